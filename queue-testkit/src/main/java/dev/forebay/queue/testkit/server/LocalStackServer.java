package dev.forebay.queue.testkit.server;

import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import java.net.URI;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.localstack.LocalStackContainer;
import org.testcontainers.utility.DockerImageName;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;

/**
 * LocalStack in a container, by Testcontainers.
 *
 * <p>Looks for the image before it starts anything: an engine without the image would try to pull,
 * and a test run must not depend on a registry. The tag is pinned to the 4.x line: newer community
 * images ask for an account.
 */
final class LocalStackServer implements EmbeddedSqs.Server {

  private static final String IMAGE = "localstack/localstack:4.13.1";

  private final LocalStackContainer container;

  private LocalStackServer(LocalStackContainer container) {
    this.container = container;
  }

  static LocalStackServer start() {
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      throw new ServerUnavailableException("no container engine answers");
    }
    try {
      DockerClientFactory.lazyClient().inspectImageCmd(IMAGE).exec();
    } catch (NotFoundException e) {
      throw new ServerUnavailableException(
          "the image " + IMAGE + " is not present; docker pull " + IMAGE + " gets it");
    } catch (DockerException e) {
      throw new ServerUnavailableException("the container engine refuses: " + e.getMessage());
    }
    LocalStackContainer container =
        new LocalStackContainer(DockerImageName.parse(IMAGE))
            .withImagePullPolicy(image -> false)
            .withServices("sqs");
    container.start();
    return new LocalStackServer(container);
  }

  @Override
  public URI endpoint() {
    return container.getEndpoint();
  }

  @Override
  public String region() {
    return container.getRegion();
  }

  @Override
  public AwsCredentialsProvider credentials() {
    return EmbeddedSqs.fixedCredentials(container.getAccessKey(), container.getSecretKey());
  }

  @Override
  public boolean canStop() {
    return false;
  }

  @Override
  public void stop() {
    throw new UnsupportedOperationException("the container is not stopped in the middle of a test");
  }

  @Override
  public void restart() {
    throw new UnsupportedOperationException("the container is not stopped in the middle of a test");
  }

  @Override
  public void close() {
    container.stop();
  }
}
