package dev.forebay.queue.sqs;

import dev.forebay.queue.EnqueueOutcome;
import dev.forebay.queue.ErrorCode;
import dev.forebay.queue.QueueException;
import dev.forebay.queue.spi.DeadLetterStore;
import dev.forebay.queue.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/**
 * One walk over a dead-letter queue. SQS has no way to look without receiving, so each message is
 * received with a visibility of {@value #VISIBILITY_SECONDS} s, kept out of sight so that the next
 * receive brings others, and made visible again when the walk ends, unless it was settled. A walk
 * that dies leaves nothing hidden for longer than that.
 *
 * <p>A walk that lasts longer sees messages again whose time is over; they are recognised by their
 * id. It ends when a long poll finds nothing, or when for as many receives as it would take to see
 * all again it has met nothing new.
 *
 * <p>Used by one thread; replies come on threads of the client, so what they touch is guarded.
 */
final class DeadLetterWalk implements DeadLetterStore.Walk {

  static final int VISIBILITY_SECONDS = 30;

  /** A receive without a wait asks only some of SQS's servers and may miss what is there. */
  private static final int LAST_LOOK_SECONDS = 1;

  private static final int PER_RECEIVE = 10;

  /** Below SQS's 120,000 in flight, and some tens of megabytes of receipts. */
  private static final int MAX_SEEN = 50_000;

  private final SqsAsyncClient client;
  private final QueueFacts facts;
  private final SqsDeadLetters letters;
  private final TimeSource time;
  private final Set<String> seen = new HashSet<>();
  private final Object lock = new Object();
  private final Map<String, SqsDeadLetters.Received> held = new LinkedHashMap<>();
  private boolean closed;
  private boolean cut;
  private boolean ended;
  private int receivesInVain;

  DeadLetterWalk(SqsAsyncClient client, QueueFacts facts, SqsDeadLetters letters, TimeSource time) {
    this.client = client;
    this.facts = facts;
    this.letters = letters;
    this.time = time;
  }

  @Override
  public List<DeadLetterStore.Found> next(int max) {
    List<DeadLetterStore.Found> found = new ArrayList<>();
    while (found.isEmpty() && !ended) {
      if (seen.size() >= MAX_SEEN || receivesInVain > 10 + seen.size() / PER_RECEIVE) {
        ended = true;
        cut = true;
      } else {
        receive(max, found);
      }
    }
    return found;
  }

  /** One receive that waits; if it comes back full, all others that are needed at once. */
  private void receive(int max, List<DeadLetterStore.Found> found) {
    int most = Math.min(max, MAX_SEEN - seen.size());
    List<SqsDeadLetters.Received> first =
        await(request(Math.min(most, PER_RECEIVE), LAST_LOOK_SECONDS));
    if (first.isEmpty()) {
      ended = true;
      cut = facts.fifo() && isMoreVisible();
      return;
    }
    addNew(first, found);
    List<CompletableFuture<List<SqsDeadLetters.Received>>> others = new ArrayList<>();
    if (first.size() == PER_RECEIVE) {
      for (int left = most - PER_RECEIVE; left > 0; left -= PER_RECEIVE) {
        others.add(request(Math.min(left, PER_RECEIVE), 0));
      }
    }
    for (CompletableFuture<List<SqsDeadLetters.Received>> other : others) {
      addNew(await(other), found);
    }
  }

  private void addNew(List<SqsDeadLetters.Received> some, List<DeadLetterStore.Found> found) {
    boolean anyNew = false;
    for (SqsDeadLetters.Received each : some) {
      if (seen.add(each.message().messageId())) {
        found.add(each);
        anyNew = true;
      }
    }
    receivesInVain = anyNew ? 0 : receivesInVain + 1;
  }

  private CompletableFuture<List<SqsDeadLetters.Received>> request(int count, int waitSeconds) {
    long deadline = time.nanoTime() + Duration.ofSeconds(VISIBILITY_SECONDS).toNanos();
    return client
        .receiveMessage(
            request ->
                request
                    .queueUrl(facts.url())
                    .maxNumberOfMessages(count)
                    .waitTimeSeconds(waitSeconds)
                    .visibilityTimeout(VISIBILITY_SECONDS)
                    .messageSystemAttributeNames(MessageSystemAttributeName.ALL)
                    .messageAttributeNames("All"))
        .thenApply(response -> take(response, deadline));
  }

  /** Runs when the answer comes, even if the walk has stopped waiting for it. */
  private List<SqsDeadLetters.Received> take(ReceiveMessageResponse response, long deadline) {
    List<SqsDeadLetters.Received> taken = new ArrayList<>();
    boolean late;
    synchronized (lock) {
      late = closed;
      long now = time.nanoTime();
      held.values().removeIf(each -> each.deadlineNanos() - now <= 0);
      for (Message message : response.messages()) {
        SqsDeadLetters.Received received = letters.read(message, deadline);
        taken.add(received);
        if (!late) {
          // One that came again has a new receipt, and the old one is worth nothing.
          held.put(message.messageId(), received);
        }
      }
    }
    if (late) {
      taken.forEach(letters::giveBack);
      return List.of();
    }
    return taken;
  }

  private <T> T await(CompletableFuture<T> answer) {
    try {
      return QueueFacts.await(answer, client, "look at the dead letters in", facts.url());
    } catch (QueueException e) {
      if (e.code() != ErrorCode.ACCESS_DENIED) {
        throw e;
      }
      throw new QueueException(
          e.code(),
          "SQS refuses these credentials. To look at the dead letters in "
              + facts.url()
              + " the caller needs sqs:ReceiveMessage and sqs:ChangeMessageVisibility on it, to"
              + " redrive or discard them sqs:DeleteMessage too.",
          e);
    }
  }

  /** A FIFO queue shows no more than ten messages of a group while they are held. */
  private boolean isMoreVisible() {
    String visible =
        await(
                client.getQueueAttributes(
                    request ->
                        request
                            .queueUrl(facts.url())
                            .attributeNames(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES)))
            .attributes()
            .get(QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES);
    return visible != null && !visible.equals("0");
  }

  @Override
  public boolean cut() {
    return cut;
  }

  @Override
  public CompletableFuture<Optional<EnqueueOutcome.Failed>> redrive(DeadLetterStore.Found found) {
    SqsDeadLetters.Received letter = (SqsDeadLetters.Received) found;
    return letters.redrive(letter).thenApply(failure -> settled(letter, failure));
  }

  @Override
  public CompletableFuture<Optional<EnqueueOutcome.Failed>> discard(DeadLetterStore.Found found) {
    SqsDeadLetters.Received letter = (SqsDeadLetters.Received) found;
    return letters.discard(letter).thenApply(failure -> settled(letter, failure));
  }

  private Optional<EnqueueOutcome.Failed> settled(
      SqsDeadLetters.Received letter, Optional<EnqueueOutcome.Failed> failure) {
    if (failure.isEmpty()) {
      synchronized (lock) {
        held.remove(letter.message().messageId(), letter);
      }
    }
    return failure;
  }

  @Override
  public void close() {
    List<SqsDeadLetters.Received> left;
    synchronized (lock) {
      closed = true;
      left = List.copyOf(held.values());
      held.clear();
    }
    List<CompletableFuture<?>> each = new ArrayList<>(left.size());
    for (SqsDeadLetters.Received letter : left) {
      each.add(letters.giveBack(letter));
    }
    // Each ends with its lease at the latest, and whoever looks next should find them.
    CompletableFuture.allOf(each.toArray(CompletableFuture[]::new)).join();
  }
}
