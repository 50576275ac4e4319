// What a pack of the drivers' tests is: a program of its own (executed_pack.cc), or a part of a launcher that forks it
// (forking_launcher.cc).
#pragma once

int pack_main(int argc, char** argv);
