package dev.forebay.queue.testkit.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Free ports for servers that are stopped and started again on the same one.
 *
 * <p>They lie below the ports that systems give to outgoing connections (from 32,768 on Linux, from
 * 49,152 elsewhere). Among those a client that tries again and again to reach a server that is away
 * would sooner or later be given the server's own port to connect from: TCP connects it to itself,
 * and the server finds its port taken when it comes back.
 */
final class Ports {

  private static final int FIRST = 16_000;
  private static final int BEYOND = 32_000;
  private static final int ATTEMPTS = 1_000;

  private Ports() {}

  /** So many ports that nobody listens on, all different. */
  static int[] free(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      // All open at once, so that no port is given twice.
      for (int attempt = 0; sockets.size() < count; attempt++) {
        ServerSocket socket = new ServerSocket();
        try {
          socket.bind(
              new InetSocketAddress(
                  InetAddress.getLoopbackAddress(),
                  ThreadLocalRandom.current().nextInt(FIRST, BEYOND)));
          sockets.add(socket);
        } catch (IOException e) {
          socket.close();
          if (attempt >= ATTEMPTS) {
            throw e;
          }
        }
      }
      return sockets.stream().mapToInt(ServerSocket::getLocalPort).toArray();
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }
}
