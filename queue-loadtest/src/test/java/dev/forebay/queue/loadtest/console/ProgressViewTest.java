package dev.forebay.queue.loadtest.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressViewTest {
  private static final QueueProgress MEMORY = new QueueProgress("memory", 1_000, 600, 500, 12);
  private static final QueueProgress SQS = new QueueProgress("sqs", 1_000, 600, 250, 6);

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @Test
  void terminal_redrawsALinePerQueue() {
    ProgressView view = new ProgressView(out, true);
    view.draw(List.of(MEMORY, SQS));
    view.draw(List.of(MEMORY, SQS));

    String drawing =
        "\rmemory [██████████░░░░░░░░░░]     500 of 1,000  waiting    88  in flight   12\u001b[K\n"
            + "\rsqs    [█████░░░░░░░░░░░░░░░]     250 of 1,000  waiting   344  in flight    6\u001b[K\n";
    assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(drawing + "\u001b[2A" + drawing);
    assertThat(ProgressView.bar(MEMORY).length()).isLessThan(80);
  }

  @Test
  void elsewhere_aPlainLine() {
    new ProgressView(out, false).draw(List.of(MEMORY, SQS));

    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .isEqualTo(
            "memory 500 of 1,000 handled, 88 waiting, 12 in flight;"
                + " sqs 250 of 1,000 handled, 344 waiting, 6 in flight"
                + System.lineSeparator());
  }

  @Test
  void withoutAConsole_orOnADumbTerminal_nothingIsRedrawn() {
    assertThat(Terminal.canRedraw(null, "xterm")).isFalse();
    if (System.console() != null) {
      assertThat(Terminal.canRedraw(System.console(), "dumb")).isFalse();
      assertThat(Terminal.canRedraw(System.console(), null)).isFalse();
    }
  }
}
