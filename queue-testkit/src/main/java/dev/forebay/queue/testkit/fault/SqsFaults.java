package dev.forebay.queue.testkit.fault;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.SdkResponse;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttribute;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.RequestThrottledException;
import software.amazon.awssdk.services.sqs.model.SqsException;

/**
 * Faults on the way to SQS, from a seed and counted: an interceptor for any SQS client.
 *
 * <p>A fault strikes after the client's own retries would have ended: a lost request or reply is
 * seen once, by the caller. What strikes is a function of the seed, the operation and how many
 * calls of that operation came before; so a run repeats as far as the order of its calls does.
 *
 * <p>Only the calls that move messages are touched (send, receive, delete, change visibility);
 * queues can be created and asked as if nothing were wrong. {@link Builder#deny} is the exception.
 *
 * <p>Thread-safe.
 */
public final class SqsFaults implements ExecutionInterceptor {

  private static final Set<String> MESSAGE_CALLS =
      Set.of(
          "SendMessage",
          "SendMessageBatch",
          "ReceiveMessage",
          "DeleteMessage",
          "DeleteMessageBatch",
          "ChangeMessageVisibility",
          "ChangeMessageVisibilityBatch");

  private static final ExecutionAttribute<Plan> PLAN = new ExecutionAttribute<>("forebay-faults");

  private final long seed;
  private final Map<SqsFault, Double> rates;
  private final Duration longestDelay;
  private final BatchFaults.@Nullable Duplicator duplicator;
  private final boolean asAws;
  private final Set<String> denied;
  private final ReceiptBook receipts = new ReceiptBook();
  private final Map<SqsFault, LongAdder> fired = new EnumMap<>(SqsFault.class);
  private final Map<String, LongAdder> calls = new ConcurrentHashMap<>();
  private volatile boolean on = true;

  private SqsFaults(Builder builder) {
    seed = builder.seed;
    rates = new EnumMap<>(builder.rates);
    longestDelay = builder.longestDelay;
    SqsAsyncClient behind = builder.behind;
    duplicator = behind == null ? null : new BatchFaults.Duplicator(behind);
    asAws = builder.asAws;
    denied = Set.copyOf(builder.denied);
    for (SqsFault fault : SqsFault.values()) {
      fired.put(fault, new LongAdder());
    }
  }

  /** Starts a set of faults that all come from {@code seed}; without rates none strikes. */
  public static Builder seed(long seed) {
    return new Builder(seed);
  }

  /** Switches all faults off or on again; AWS's answers to stale receipts stay. */
  public void enable(boolean enabled) {
    on = enabled;
  }

  /** Returns how often this fault struck. */
  public long fired(SqsFault fault) {
    LongAdder count = fired.get(fault);
    return count == null ? 0 : count.sum();
  }

  /** Returns how often the API operation of this name was called, faulty or not. */
  public long calls(String operation) {
    LongAdder count = calls.get(operation);
    return count == null ? 0 : count.sum();
  }

  /** Returns how many calls that move messages were made in all. */
  public long messageCalls() {
    return MESSAGE_CALLS.stream().mapToLong(this::calls).sum();
  }

  /** What one call will suffer, decided when it begins. */
  private record Plan(SplittableRandom random, boolean loseReply, BatchFaults.Changes changes) {}

  @Override
  public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
    String operation = operation(attributes);
    LongAdder count = calls.computeIfAbsent(operation, name -> new LongAdder());
    long number;
    synchronized (count) {
      count.increment();
      number = count.sum();
    }
    if (denied.contains(operation)) {
      count(SqsFault.DENIED);
      throw refusal("AccessDenied", 403, SqsException.builder());
    }
    if (!MESSAGE_CALLS.contains(operation)) {
      return;
    }
    SplittableRandom random =
        new SplittableRandom(seed * 0x9E3779B97F4A7C15L + operation.hashCode() * 31L + number);
    if (strikes(SqsFault.THROTTLE, random)) {
      throw refusal("RequestThrottled", 400, RequestThrottledException.builder());
    }
    if (strikes(SqsFault.LOST_REQUEST, random)) {
      throw broken("the request was lost");
    }
    boolean loseReply = strikes(SqsFault.LOST_REPLY, random);
    attributes.putAttribute(PLAN, new Plan(random, loseReply, new BatchFaults.Changes()));
  }

  @Override
  public SdkRequest modifyRequest(Context.ModifyRequest context, ExecutionAttributes attributes) {
    Plan plan = attributes.getAttribute(PLAN);
    if (plan == null) {
      return context.request();
    }
    SdkRequest request = context.request();
    if (asAws) {
      request = receipts.request(request, plan.changes());
    }
    return BatchFaults.fail(
        request, plan.changes(), () -> strikes(SqsFault.FAILED_ENTRY, plan.random()));
  }

  @Override
  public Optional<software.amazon.awssdk.core.async.AsyncRequestBody> modifyAsyncHttpContent(
      Context.ModifyHttpRequest context, ExecutionAttributes attributes) {
    Duration delay = delay(attributes);
    return delay == null
        ? context.asyncRequestBody()
        : context.asyncRequestBody().map(body -> Late.request(body, delay));
  }

  @Override
  public Optional<Publisher<ByteBuffer>> modifyAsyncHttpResponseContent(
      Context.ModifyHttpResponse context, ExecutionAttributes attributes) {
    Duration delay = delay(attributes);
    return delay == null
        ? context.responsePublisher()
        : context.responsePublisher().map(body -> Late.reply(body, delay));
  }

  @Override
  public SdkResponse modifyResponse(
      Context.ModifyResponse context, ExecutionAttributes attributes) {
    Plan plan = attributes.getAttribute(PLAN);
    if (plan == null) {
      return context.response();
    }
    SdkResponse response = BatchFaults.answer(context.response(), plan.changes());
    if (asAws) {
      response = receipts.response(context.request(), response, plan.changes());
      fired(SqsFault.STALE_RECEIPT, plan.changes().stale);
    }
    if (duplicator != null) {
      duplicator.duplicate(
          context.request(), response, () -> strikes(SqsFault.DUPLICATE_DELIVERY, plan.random()));
    }
    return BatchFaults.unlist(response, () -> strikes(SqsFault.UNLISTED_ENTRY, plan.random()));
  }

  @Override
  public void afterExecution(Context.AfterExecution context, ExecutionAttributes attributes) {
    Plan plan = attributes.getAttribute(PLAN);
    if (plan != null && plan.loseReply()) {
      throw broken("the reply was lost");
    }
  }

  private @Nullable Duration delay(ExecutionAttributes attributes) {
    Plan plan = attributes.getAttribute(PLAN);
    if (plan == null || !strikes(SqsFault.DELAY, plan.random())) {
      return null;
    }
    return Duration.ofMillis(1 + plan.random().nextLong(longestDelay.toMillis()));
  }

  private boolean strikes(SqsFault fault, SplittableRandom random) {
    Double rate = rates.get(fault);
    if (rate == null || !on) {
      return false;
    }
    boolean strikes;
    synchronized (random) {
      strikes = random.nextDouble() < rate;
    }
    if (strikes) {
      count(fault);
    }
    return strikes;
  }

  private void count(SqsFault fault) {
    fired(fault, 1);
  }

  private void fired(SqsFault fault, int times) {
    LongAdder count = fired.get(fault);
    if (count != null) {
      count.add(times);
    }
  }

  private static String operation(ExecutionAttributes attributes) {
    String name = attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME);
    return name == null ? "" : name;
  }

  private static SdkClientException broken(String what) {
    return SdkClientException.create(
        "Injected fault: " + what, new IOException("connection reset, by an injected fault"));
  }

  private static AwsServiceException refusal(
      String code, int status, AwsServiceException.Builder builder) {
    return builder
        .message("Injected fault: " + code)
        .statusCode(status)
        .awsErrorDetails(
            AwsErrorDetails.builder()
                .serviceName("Sqs")
                .errorCode(code)
                .errorMessage("Injected fault: " + code)
                .sdkHttpResponse(SdkHttpResponse.builder().statusCode(status).build())
                .build())
        .build();
  }

  /** Collects rates between 0 and 1. Not thread-safe. */
  public static final class Builder {
    private final long seed;
    private final Map<SqsFault, Double> rates = new EnumMap<>(SqsFault.class);
    private final Set<String> denied = ConcurrentHashMap.newKeySet();
    private Duration longestDelay = Duration.ofMillis(50);
    private @Nullable SqsAsyncClient behind;
    private boolean asAws;

    private Builder(long seed) {
      this.seed = seed;
    }

    /** Share of the requests that never arrive. */
    public Builder lostRequests(double rate) {
      return rate(SqsFault.LOST_REQUEST, rate);
    }

    /** Share of the requests that are carried out and reported as failed. */
    public Builder lostReplies(double rate) {
      return rate(SqsFault.LOST_REPLY, rate);
    }

    /** Share of the requests and of the replies that come up to {@code longest} late. */
    public Builder delays(double rate, Duration longest) {
      if (longest.toMillis() < 1) {
        throw new IllegalArgumentException("A delay needs at least 1 ms, not " + longest);
      }
      longestDelay = longest;
      return rate(SqsFault.DELAY, rate);
    }

    /** Share of the requests that are throttled. */
    public Builder throttles(double rate) {
      return rate(SqsFault.THROTTLE, rate);
    }

    /** Share of the entries of batches that are refused; at least one entry always gets through. */
    public Builder failedEntries(double rate) {
      return rate(SqsFault.FAILED_ENTRY, rate);
    }

    /** Share of the entries of batches that are carried out and left out of the reply. */
    public Builder unlistedEntries(double rate) {
      return rate(SqsFault.UNLISTED_ENTRY, rate);
    }

    /**
     * Share of the received messages that become visible again at once, while their receiver
     * believes to hold them.
     *
     * @param behindTheFaults a client without these faults, by which it is done
     */
    public Builder duplicateDeliveries(double rate, SqsAsyncClient behindTheFaults) {
      behind = behindTheFaults;
      return rate(SqsFault.DUPLICATE_DELIVERY, rate);
    }

    /**
     * Answers receipts that no longer hold their message as AWS does, whatever the server says: a
     * delete succeeds and changes nothing, a change of visibility fails with {@code
     * MessageNotInflight}. Receives must name their visibility timeout.
     */
    public Builder staleReceiptsAsAws() {
      asAws = true;
      return this;
    }

    /** Refuses every call of an API operation, such as {@code ReceiveMessage}. */
    public Builder deny(String operation) {
      denied.add(operation);
      return this;
    }

    /** The interceptor; add it to a client's override configuration. */
    public SqsFaults build() {
      return new SqsFaults(this);
    }

    private Builder rate(SqsFault fault, double rate) {
      if (!(rate >= 0 && rate <= 1)) {
        throw new IllegalArgumentException("A rate lies between 0 and 1: " + rate);
      }
      rates.put(fault, rate);
      return this;
    }
  }
}
