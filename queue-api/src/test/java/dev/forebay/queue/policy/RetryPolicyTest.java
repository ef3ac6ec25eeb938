package dev.forebay.queue.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.forebay.queue.Attempts;
import dev.forebay.queue.DeadLetterCause;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class RetryPolicyTest {

  private static final RetryPolicy POLICY =
      RetryPolicy.backoff(
              Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(4)).jitter(Jitter.NONE))
          .maxAttempts(4);

  @Test
  void R5_retriesWithBackoffUntilTheLastAttemptAndThenDeadLettersWithTheFailure() {
    IOException failure = new IOException("no route");
    assertThat(POLICY.decide(1, failure, "m"))
        .isEqualTo(new RetryDecision.Retry(Duration.ofSeconds(1)));
    assertThat(POLICY.decide(3, failure, "m"))
        .isEqualTo(new RetryDecision.Retry(Duration.ofSeconds(4)));
    RetryDecision dead =
        new RetryDecision.DeadLetter(new DeadLetterCause("IOException", "no route"));
    assertThat(POLICY.decide(4, failure, "m")).isEqualTo(dead);
    assertThat(POLICY.decide(5, failure, "m")).as("an attempt too many").isEqualTo(dead);
  }

  @Test
  void R5_terminalFailuresAreDeadLetteredAtOnceSubclassesIncluded() {
    RetryPolicy policy = POLICY.terminal(IOException.class, IllegalArgumentException.class);
    assertThat(policy.decide(1, new FileNotFoundException("model.bin"), "m"))
        .isEqualTo(
            new RetryDecision.DeadLetter(
                new DeadLetterCause("FileNotFoundException", "model.bin")));
    assertThat(policy.decide(1, new IllegalArgumentException(), "m"))
        .isInstanceOf(RetryDecision.DeadLetter.class);
    assertThat(policy.decide(1, new IllegalStateException(), "m"))
        .isInstanceOf(RetryDecision.Retry.class);
    assertThat(POLICY.decide(1, new IOException(), "m"))
        .as("the policy it was made from is unchanged")
        .isInstanceOf(RetryDecision.Retry.class);
  }

  @Test
  void R5_terminalTestsAddUp() {
    RetryPolicy policy =
        POLICY
            .terminalWhen(failure -> "poison".equals(failure.getMessage()))
            .terminal(IOException.class);
    assertThat(policy.decide(1, new IllegalStateException("poison"), "m"))
        .isInstanceOf(RetryDecision.DeadLetter.class);
    assertThat(policy.decide(1, new IOException("x"), "m"))
        .isInstanceOf(RetryDecision.DeadLetter.class);
    assertThat(policy.decide(1, new IllegalStateException("busy"), "m"))
        .isInstanceOf(RetryDecision.Retry.class);
  }

  @Test
  void R5_aFailureWrappedForAFutureIsJudgedByWhatItWraps() {
    RetryPolicy policy = POLICY.terminal(IOException.class);
    Throwable wrapped =
        new ExecutionException(new CompletionException(new IOException("no route")));
    assertThat(policy.decide(1, wrapped, "m"))
        .isEqualTo(new RetryDecision.DeadLetter(new DeadLetterCause("IOException", "no route")));
    assertThat(policy.decide(4, new CompletionException(null, null), "m"))
        .as("nothing inside")
        .isEqualTo(new RetryDecision.DeadLetter(new DeadLetterCause("CompletionException", "")));
  }

  @Test
  void oneAttemptNeverRetries() {
    assertThat(POLICY.maxAttempts(1).decide(1, new IOException("x"), "m"))
        .isInstanceOf(RetryDecision.DeadLetter.class);
  }

  @Test
  void refusesNoAttempts() {
    assertThatThrownBy(() -> POLICY.maxAttempts(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1");
  }

  @Test
  void R2_aRetryAfterOfZeroIsNotTakenAtItsWord() {
    RetryPolicy policy =
        RetryPolicy.backoff(
            Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(8)).jitter(Jitter.NONE));
    assertThat(
            policy.decide(
                new Attempts(0, 0, 1), new ThrottledException("429", Duration.ZERO), "salt"))
        .isEqualTo(new RetryDecision.Throttled(Duration.ofSeconds(2)));
  }
}
