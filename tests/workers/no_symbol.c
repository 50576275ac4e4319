/* A shared object, but not a worker. */
__attribute__((visibility("default"))) int answer(void) { return 42; }
