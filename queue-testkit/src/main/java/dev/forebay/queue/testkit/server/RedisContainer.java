package dev.forebay.queue.testkit.server;

import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import java.net.URI;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/** Redis in a container, by Testcontainers; the image is never pulled. */
final class RedisContainer implements AutoCloseable {

  static final String IMAGE = "redis:7.4-alpine";

  private static final int PORT = 6379;

  private final GenericContainer<?> container;

  private RedisContainer(GenericContainer<?> container) {
    this.container = container;
  }

  static RedisContainer start() {
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      throw new ServerUnavailableException(
          "redis-server is not on the PATH and no container engine answers");
    }
    try {
      DockerClientFactory.lazyClient().inspectImageCmd(IMAGE).exec();
    } catch (NotFoundException e) {
      throw new ServerUnavailableException(
          "redis-server is not on the PATH and the image " + IMAGE + " is not present");
    } catch (DockerException e) {
      throw new ServerUnavailableException("the container engine refuses: " + e.getMessage());
    }
    GenericContainer<?> container =
        new GenericContainer<>(DockerImageName.parse(IMAGE))
            .withImagePullPolicy(image -> false)
            .withExposedPorts(PORT);
    container.start();
    return new RedisContainer(container);
  }

  URI uri() {
    return URI.create("redis://" + container.getHost() + ":" + container.getMappedPort(PORT));
  }

  @Override
  public void close() {
    container.stop();
  }
}
