package dev.forebay.queue.benchmarks;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.client.config.SdkAdvancedAsyncClientOption;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.crt.AwsCrtAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsAsyncClientBuilder;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/**
 * The SQS server under a benchmark: clients whose requests are counted for the contenders, and one
 * that is not for the benchmark itself. Thread-safe.
 */
final class SqsTarget implements AutoCloseable {

  private static final int CONNECTIONS = 200;
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(40);
  private static final List<QueueAttributeName> WAITING =
      List.of(
          QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES,
          QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED);

  private final URI endpoint;
  private final RequestCounter requests = new RequestCounter();
  private final SqsClient admin;

  SqsTarget(URI endpoint) {
    this.endpoint = endpoint;
    admin = syncClient(new RequestCounter());
  }

  /** What the contenders' clients have sent. */
  RequestCounter requests() {
    return requests;
  }

  /** A client on the SDK's fastest synchronous HTTP client; counted. */
  SqsClient syncClient() {
    return syncClient(requests);
  }

  private SqsClient syncClient(RequestCounter counter) {
    return SqsClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(credentials())
        .httpClientBuilder(
            Apache5HttpClient.builder().maxConnections(CONNECTIONS).socketTimeout(READ_TIMEOUT))
        .overrideConfiguration(options -> options.addExecutionInterceptor(counter))
        .build();
  }

  /** A client on Netty, the SDK's default; counted. */
  SqsAsyncClient asyncClient() {
    return asyncClient(
            NettyNioAsyncHttpClient.builder().maxConcurrency(CONNECTIONS).readTimeout(READ_TIMEOUT))
        .build();
  }

  /**
   * The asynchronous client that costs least: on the AWS Common Runtime, and without a thread of
   * the SDK's own between its event loop and whoever waits for an answer; counted.
   */
  SqsAsyncClient crtClient() {
    return asyncClient(AwsCrtAsyncHttpClient.builder().maxConcurrency(CONNECTIONS))
        .asyncConfiguration(
            options ->
                options.advancedOption(
                    SdkAdvancedAsyncClientOption.FUTURE_COMPLETION_EXECUTOR, Runnable::run))
        .build();
  }

  private SqsAsyncClientBuilder asyncClient(SdkAsyncHttpClient.Builder<?> http) {
    return SqsAsyncClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(credentials())
        .httpClientBuilder(http)
        .overrideConfiguration(options -> options.addExecutionInterceptor(requests));
  }

  private static StaticCredentialsProvider credentials() {
    return StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
  }

  /** Creates a standard queue of a new name. */
  String createQueue(Duration visibility) {
    String name = "bench-" + UUID.randomUUID();
    return admin
        .createQueue(
            request ->
                request
                    .queueName(name)
                    .attributes(
                        Map.of(
                            QueueAttributeName.VISIBILITY_TIMEOUT,
                            Long.toString(visibility.toSeconds()))))
        .queueUrl();
  }

  void deleteQueue(String queueUrl) {
    admin.deleteQueue(request -> request.queueUrl(queueUrl));
  }

  /** Messages that could be received now or after a delay. */
  int waiting(String queueUrl) {
    return count(queueUrl, WAITING);
  }

  /** Messages somebody has received and not deleted. */
  int inFlight(String queueUrl) {
    return count(queueUrl, List.of(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE));
  }

  private int count(String queueUrl, List<QueueAttributeName> names) {
    return admin
        .getQueueAttributes(request -> request.queueUrl(queueUrl).attributeNames(names))
        .attributes()
        .values()
        .stream()
        .mapToInt(Integer::parseInt)
        .sum();
  }

  /** Takes up to ten messages for good, waiting at most so many seconds; their bodies. */
  List<String> take(String queueUrl, int waitSeconds) {
    List<Message> taken =
        admin
            .receiveMessage(
                request ->
                    request
                        .queueUrl(queueUrl)
                        .maxNumberOfMessages(SqsBatches.SIZE)
                        .waitTimeSeconds(waitSeconds))
            .messages();
    SqsBatches.delete(admin, queueUrl, taken.stream().map(Message::receiptHandle).toList());
    return taken.stream().map(Message::body).toList();
  }

  /** Sends one message past the contenders. */
  void send(String queueUrl, String body) {
    admin.sendMessage(request -> request.queueUrl(queueUrl).messageBody(body));
  }

  @Override
  public void close() {
    admin.close();
  }
}
