// A pack of test_pack.cc or hostile_pack.cc as a program.
#include "container/testing/pack_main.h"

int main(int argc, char** argv) { return pack_main(argc, argv); }
