/*
 * The collectives of `gust bench collective`, done by MPI: same operations, payloads, iterations and definition of time
 * (after a barrier, from the first process that begins to the last that ends). Contents are compared as there.
 *
 *   mpicc -O2 collectives.c -o collectives
 *   mpirun -n 48 --oversubscribe collectives OPERATION BYTES WARM_UP ITERATIONS
 *
 * Prints the seconds of each measured iteration, one a line. All processes are on one host: they share a clock.
 */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int rank, size;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fail(const char* what) {
  fprintf(stderr, "rank %d: %s\n", rank, what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static void* allocate(size_t bytes) {
  void* memory = malloc(bytes > 0 ? bytes : 1);
  if (memory == NULL) fail("no memory");
  return memory;
}

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
  return x ^ (x >> 31);
}

/* Eight bytes at a time, the same on both sides; a rest is left as it is. */
static void fill(uint64_t* words, size_t count, uint64_t iteration, uint64_t from, uint64_t to) {
  uint64_t word = mix(iteration << 40 ^ from << 20 ^ to);
  for (size_t i = 0; i < count; ++i, word += UINT64_C(0x9E3779B97F4A7C15)) words[i] = word;
}

static void check(const uint64_t* words, size_t count, uint64_t iteration, uint64_t from, uint64_t to) {
  uint64_t word = mix(iteration << 40 ^ from << 20 ^ to);
  for (size_t i = 0; i < count; ++i, word += UINT64_C(0x9E3779B97F4A7C15)) {
    if (words[i] != word) fail("wrong data");
  }
}

/* One iteration; gives when it began and ended here. */
static void iterate(const char* operation, size_t bytes, uint64_t k, double span[2]) {
  const size_t words = bytes / sizeof(uint64_t);
  if (strcmp(operation, "broadcast") == 0) {
    uint64_t* data = allocate(bytes);
    if (rank == 0) fill(data, words, k, 0, 0);
    MPI_Barrier(MPI_COMM_WORLD);
    span[0] = now();
    MPI_Bcast(data, (int)bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
    span[1] = now();
    MPI_Barrier(MPI_COMM_WORLD); /* comparing would take the processors from those that are not done */
    check(data, words, k, 0, 0);
    free(data);
  } else if (strcmp(operation, "all-reduce") == 0) {
    double* mine = allocate(bytes);
    double* sum = allocate(bytes);
    const double all = (double)size * (size + 1) / 2;
    for (size_t i = 0; i < words; ++i) mine[i] = (double)(rank + 1) * (double)((i + k) % 1024 + 1);
    MPI_Barrier(MPI_COMM_WORLD);
    span[0] = now();
    MPI_Allreduce(mine, sum, (int)words, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    span[1] = now();
    MPI_Barrier(MPI_COMM_WORLD); /* comparing would take the processors from those that are not done */
    for (size_t i = 0; i < words; ++i) {
      if (sum[i] != all * (double)((i + k) % 1024 + 1)) fail("wrong data");
    }
    free(mine);
    free(sum);
  } else if (strcmp(operation, "all-to-all") == 0) {
    uint64_t* mine = allocate(bytes * (size_t)size);
    uint64_t* theirs = allocate(bytes * (size_t)size);
    for (int to = 0; to < size; ++to) fill(mine + words * (size_t)to, words, k, (uint64_t)rank, (uint64_t)to);
    MPI_Barrier(MPI_COMM_WORLD);
    span[0] = now();
    MPI_Alltoall(mine, (int)bytes, MPI_BYTE, theirs, (int)bytes, MPI_BYTE, MPI_COMM_WORLD);
    span[1] = now();
    MPI_Barrier(MPI_COMM_WORLD); /* comparing would take the processors from those that are not done */
    for (int from = 0; from < size; ++from) {
      check(theirs + words * (size_t)from, words, k, (uint64_t)from, (uint64_t)rank);
    }
    free(mine);
    free(theirs);
  } else {
    fail("no such operation; there are broadcast, all-reduce and all-to-all");
  }
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (argc != 5) fail("usage: collectives OPERATION BYTES WARM_UP ITERATIONS");
  const size_t bytes = strtoull(argv[2], NULL, 10);
  const int warm_up = atoi(argv[3]);
  const int iterations = atoi(argv[4]);
  if (bytes % sizeof(uint64_t) != 0) fail("BYTES is not a multiple of 8");
  for (int k = 0; k < warm_up + iterations; ++k) {
    double span[2], begin, end;
    iterate(argv[1], bytes, (uint64_t)k, span);
    MPI_Reduce(&span[0], &begin, 1, MPI_DOUBLE, MPI_MIN, 0, MPI_COMM_WORLD);
    MPI_Reduce(&span[1], &end, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0 && k >= warm_up) printf("%.9f\n", end - begin);
  }
  MPI_Finalize();
  return 0;
}
