package dev.forebay.queue.loadtest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

class OptionsTest {

  private static Options parse(String... args) {
    Options options = new Options();
    new CommandLine(options).parseArgs(Options.withoutEmpty(args));
    return options;
  }

  @Test
  void emptyValues_meanNotGiven() {
    Options options =
        parse("--trace=", "--speedup=", "--queues=", "--workers=", "--seed=", "--out=");

    assertThat(options.trace).isNull();
    assertThat(options.requests).isNull();
    assertThat(options.speedup).isEqualTo(10);
    assertThat(options.queues.names()).containsExactly("memory", "sqs", "kafka");
    assertThat(options.workers).isEqualTo(12);
    assertThat(options.lease).isEqualTo(Duration.ofSeconds(30));
    assertThat(options.out).isEqualTo(Path.of("target/side-by-side"));
  }

  @Test
  void everyOption_isTaken() {
    Options options =
        parse(
            "--trace=a b.csv",
            "--requests=5",
            "--speedup=2.5",
            "--queues=kafka, Memory",
            "--workers=3",
            "--lease=4.5",
            "--failures=0",
            "--poisson",
            "--seed=-9",
            "--out=x/y");

    assertThat(options.trace).isEqualTo(Path.of("a b.csv"));
    assertThat(options.requests).isEqualTo(5);
    assertThat(options.speedup).isEqualTo(2.5);
    assertThat(options.queues.names()).containsExactly("kafka", "memory");
    assertThat(options.workers).isEqualTo(3);
    assertThat(options.lease).isEqualTo(Duration.ofMillis(4_500));
    assertThat(options.failures).isZero();
    assertThat(options.poisson).isTrue();
    assertThat(options.seed).isEqualTo(-9);
    assertThat(options.out).isEqualTo(Path.of("x", "y"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "--speedup=0         | '0' is not a number from 0.1 to 1000.0",
        "--speedup=fast      | 'fast' is not a number from 0.1 to 1000.0",
        "--speedup=NaN       | 'NaN' is not a number from 0.1 to 1000.0",
        "--queues=memory,nats| 'nats' is not one of memory, sqs, kafka",
        "--queues=sqs,sqs    | 'sqs' is there twice",
        "--workers=0         | '0' is not a whole number from 1 to 1000",
        "--requests=1e3      | '1e3' is not a whole number from 1 to 1000000",
        "--failures=101      | '101' is not a number from 0.0 to 100.0",
        "--lease=0           | '0' is not a number from 1.0 to 43200.0",
        "--seed=x            | 'x' is not a whole number from",
        "--workres=3         | Unknown option: '--workres=3'",
        "more                | Unmatched argument",
      })
  void badOption_isNamedWithItsValue(String arg, String problem) {
    assertThatThrownBy(() -> parse(arg.strip()))
        .isInstanceOf(ParameterException.class)
        .hasMessageContaining(problem);
  }
}
