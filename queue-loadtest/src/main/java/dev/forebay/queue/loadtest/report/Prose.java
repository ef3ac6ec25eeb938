package dev.forebay.queue.loadtest.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/** What the reports say in words. */
final class Prose {
  /** Standard queue, first tier, US East (N. Virginia), in dollars. */
  private static final double PRICE_PER_MILLION = 0.40;

  private static final double UNBATCHED_REQUESTS = 3.00;
  private static final double BATCHED_REQUESTS = 0.30;

  private Prose() {}

  /** What was replayed, on what. */
  static String subject(Comparison run) {
    StringBuilder text = new StringBuilder();
    text.append(Format.count(run.trace().size()))
        .append(run.trace().size() == 1 ? " request of " : " requests of ")
        .append(run.trace().source())
        .append(", ")
        .append(Format.time(run.trace().span()))
        .append(" replayed at ")
        .append(run.speedUp())
        .append("; ")
        .append(run.slots().total())
        .append(run.slots().total() == 1 ? " slot" : " slots")
        .append(" on each queue (")
        .append(run.slots().fast())
        .append(" fast, ")
        .append(run.slots().slow())
        .append(" slow); ");
    return text.append(
            run.failing() == 0 ? "no request fails" : Format.count(run.failing()) + " fail once")
        .append(", seed ")
        .append(run.seed())
        .toString();
  }

  /** Whether every queue kept its promise. */
  static String verdict(Comparison run) {
    if (!run.anyLost() && !run.anyDuplicate()) {
      return "Nothing lost, nothing handled twice";
    }
    StringJoiner broken = new StringJoiner("; ");
    for (QueueResult queue : run.queues()) {
      int lost = queue.timeline().lost();
      int duplicates = queue.timeline().duplicates();
      if (lost > 0 || duplicates > 0) {
        broken.add(
            queue.name()
                + ": "
                + Format.count(lost)
                + " lost, "
                + Format.count(duplicates)
                + " handled twice");
      }
    }
    return broken.toString();
  }

  /** How far a queue is from the ideal, in a sentence. */
  static String distance(Comparison run, QueueResult queue) {
    double ideal = run.ideal().ageMillis(99).orElse(0);
    double real = queue.timeline().ageMillis(99).orElse(Double.NaN);
    if (Double.isNaN(real)) {
      return "started nothing";
    }
    double more = real - ideal;
    return (more < 0 ? "−" : "+") + Format.millis(Math.abs(more)) + " on the ideal";
  }

  /** What the bursts cost: the ideal queue on the trace and on its control. */
  static String control(Comparison run) {
    return "The same requests arriving evenly (a Poisson process of the same mean rate) would wait "
        + Format.millis(run.control().ageMillis(99))
        + " at the 99th percentile in the ideal queue, instead of "
        + Format.millis(run.ideal().ageMillis(99))
        + ": the difference is what the bursts cost, whatever the queue.";
  }

  /** What must not be concluded from a run. */
  static List<String> limits() {
    return List.of(
        "SQS and Kafka are local servers inside the same process. They show the semantics and the"
            + " library's own cost; they never show the latency of AWS or of a cluster, nor the"
            + " rate of duplicates of AWS.",
        "All queues run at once on the same cores. A busy machine adds to every age; compare the"
            + " queues of one run, not of two.",
        "Times are those of the replay. Multiply by the speed-up for the trace's own time.");
  }

  /** What the figures mean. */
  static List<String[]> definitions() {
    return List.of(
        new String[] {
          "ideal",
          "a simulated queue without any cost of its own: first in, first out, same slots, same"
              + " requests, same failures; a message goes to the slot that has been free for longest"
        },
        new String[] {
          "age",
          "from the moment a request was due to arrive, whenever it was really sent, to the start of"
              + " its first attempt. Senders do not wait for their queue"
        },
        new String[] {
          "queue to start",
          "from the confirmed enqueue to the start of the first attempt: the part of the age that is"
              + " the queue's and the workers'"
        },
        new String[] {
          "duplicates",
          "requests handled to their end again after that had been done; planned failures do not"
              + " count. Workers keep polling after the last request to see them"
        },
        new String[] {
          "slot use",
          "busy slot time divided by the slot time for which there was a message. The ideal has"
              + " 100 %; slots with nothing to do do not count"
        },
        new String[] {"wasted", "handler time of attempts whose lease was lost before they ended"},
        new String[] {
          "requests a message",
          "calls to the SQS API, counted in the client, senders and workers together, empty long"
              + " polls of idle workers included"
        });
  }

  /** What the counted requests would cost on SQS; empty if there is nothing to compute from. */
  static List<String> cost(Comparison run) {
    List<String> lines = new ArrayList<>();
    for (QueueResult queue : run.queues()) {
      Double requests = queue.requestsPerMessage();
      if (requests != null) {
        lines.add(
            String.format(
                Locale.ROOT,
                "%s: %.2f requests a message, %s a million messages.",
                queue.name(),
                requests,
                dollars(requests)));
      }
    }
    if (!lines.isEmpty()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "For comparison: send, receive and delete one by one is %.2f requests, %s; all of it"
                  + " in batches of ten is %.2f, %s.",
              UNBATCHED_REQUESTS,
              dollars(UNBATCHED_REQUESTS),
              BATCHED_REQUESTS,
              dollars(BATCHED_REQUESTS)));
      lines.add(
          "Computed, not billed: counted requests × $"
              + String.format(Locale.ROOT, "%.2f", PRICE_PER_MILLION)
              + " a million (standard queue). AWS counts every 64 KiB of a request as one more.");
    }
    return lines;
  }

  private static String dollars(double requests) {
    return String.format(Locale.ROOT, "$%.2f", requests * PRICE_PER_MILLION);
  }
}
