/* An action container's server without any library but libc: for an image that has its own command. It answers /run with its
   arguments and the length of what it was asked. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char request[1 << 20];

static size_t read_request(int connection, size_t* body) {
  size_t size = 0;
  while (size < sizeof request - 1) {
    ssize_t got = read(connection, request + size, sizeof request - 1 - size);
    if (got <= 0) return 0;
    size += (size_t)got;
    request[size] = 0;
    const char* end = strstr(request, "\r\n\r\n");
    const char* length = strstr(request, "Content-Length: ");
    if (end == NULL || length == NULL) continue;
    *body = (size_t)atol(length + strlen("Content-Length: "));
    if (size >= (size_t)(end + 4 - request) + *body) return size;
  }
  return 0;
}

int main(int argc, char** argv) {
  const char* sentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = {htonl(INADDR_ANY)}};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 || listen(listener, 8) != 0) return 1;
  while (1) {
    int connection = accept(listener, NULL, NULL);
    size_t body = 0;
    if (read_request(connection, &body) == 0) return 2;
    char answer[4096];
    if (strncmp(request, "POST /init ", 11) == 0) {
      snprintf(answer, sizeof answer, "{\"ok\":true}");
    } else {
      printf("run\n%s\n", sentinel);
      fflush(stdout);
      fprintf(stderr, "%s\n", sentinel);
      snprintf(answer, sizeof answer, "{\"greeting\":\"%s\",\"asked\":%zu}", argc > 1 ? argv[1] : "", body);
    }
    dprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(answer), answer);
    close(connection);
  }
}
