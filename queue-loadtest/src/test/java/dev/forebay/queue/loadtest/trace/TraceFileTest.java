package dev.forebay.queue.loadtest.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceFileTest {
  private static final String AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens";
  private static final String MILLIS = "t_ms,input_tokens,output_tokens";

  @TempDir Path directory;

  @Test
  void azureColumns_withCarriageReturns_startAtZero() throws Exception {
    Trace trace =
        read(
            AZURE + "\r\n",
            "2023-11-16 18:17:03.9799600,4808,10\r\n",
            "2023-11-16 18:17:04.0319600,3180,8\r\n",
            "2023-11-16 18:18:00,1,0");

    assertThat(trace.source()).isEqualTo("trace.csv");
    assertThat(trace.requests())
        .containsExactly(
            new Request(Duration.ZERO, 4808, 10),
            new Request(Duration.ofMillis(52), 3180, 8),
            new Request(Duration.ofNanos(56_020_040_000L), 1, 0));
    assertThat(trace.span()).isEqualTo(Duration.ofNanos(56_020_040_000L));
  }

  @Test
  void azureColumns_ofLaterYears_haveAnOffset() throws Exception {
    Trace trace =
        read(
            AZURE + "\n",
            "2024-05-10 00:00:00.009930+00:00,2162,5\n",
            "2024-05-10T00:00:01.009930Z,2399,6\n");

    assertThat(trace.requests().get(1).arrival()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void millisecondColumns_inAnyOrder_otherColumnsIgnored() throws Exception {
    Trace trace =
        read(
            "t_ms,client_id,output_tokens,input_tokens\n",
            "0.2,35,7,85\n",
            "\n",
            "2.75,9,8,14\n\n");

    assertThat(trace.requests())
        .containsExactly(
            new Request(Duration.ZERO, 85, 7), new Request(Duration.ofNanos(2_550_000), 14, 8));
  }

  @Test
  void byteOrderMark_isSkipped() throws Exception {
    assertThat(read("\ufeff" + MILLIS + "\n", "0,1,1\n").size()).isOne();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "12,5            | 3 columns expected, found 2",
        "12,5,6,7        | 3 columns expected, found 4",
        "x,5,6           | t_ms is not a number of milliseconds",
        "-1,5,6          | t_ms is not a number of milliseconds",
        "1e3,5,6         | t_ms is not a number of milliseconds",
        "1,5.5,6         | input_tokens is not a whole number from 0 to 10000000",
        "1,5,-6          | output_tokens is not a whole number from 0 to 10000000",
        "1,5,            | output_tokens is not a whole number from 0 to 10000000",
        "1,99999999999,6 | input_tokens is not a whole number from 0 to 10000000",
        "1,10000001,6    | input_tokens is not a whole number from 0 to 10000000",
        "0.5,5,6         | arrives before the row above it",
      })
  void badRow_isNamedByNumberAndText(String row, String problem) {
    assertThatThrownBy(() -> read(MILLIS + "\n", "0.75,1,1\n", row + "\n"))
        .isInstanceOf(BadTraceException.class)
        .hasMessage("%s, row 3: %s: '%s'", file(), problem, row);
  }

  @Test
  void badTimestamp_isNamedByNumberAndText() {
    assertThatThrownBy(() -> read(AZURE + "\n", "2023-02-30 18:17:03,1,1\n"))
        .isInstanceOf(BadTraceException.class)
        .hasMessage(
            "%s, row 2: TIMESTAMP is not a time like 2023-11-16 18:17:03.97:"
                + " '2023-02-30 18:17:03,1,1'",
            file());
  }

  @Test
  void unknownHeader_isNamed() {
    assertThatThrownBy(() -> read("model,hardware\n", "a,b\n"))
        .isInstanceOf(BadTraceException.class)
        .hasMessageContaining("row 1: not a known header; expected TIMESTAMP,")
        .hasMessageEndingWith("'model,hardware'");
  }

  @Test
  void hostileRow_staysOnOneShortLine() {
    String row = "\u001b[31m\t\u0000" + "x".repeat(500);

    assertThatThrownBy(() -> read(MILLIS + "\n", row + "\n"))
        .isInstanceOf(BadTraceException.class)
        .satisfies(
            e -> {
              assertThat(e.getMessage()).doesNotContainPattern("\\p{Cntrl}").endsWith("x…'");
              assertThat(e.getMessage().length()).isLessThan(file().toString().length() + 160);
            });
  }

  @Test
  void fileWithoutLineEnds_isRefusedBeforeItFillsTheMemory() {
    assertThatThrownBy(() -> read(MILLIS + "\n", "1".repeat(100_000)))
        .isInstanceOf(BadTraceException.class)
        .hasMessageContaining("row 2: longer than 4096 characters");
  }

  @Test
  void emptyFile_headerOnly_missingFile_andDirectory_areTold() throws Exception {
    assertThatThrownBy(() -> read(""))
        .isInstanceOf(BadTraceException.class)
        .hasMessageContaining("is empty; expected TIMESTAMP");
    assertThatThrownBy(() -> read(MILLIS + "\n"))
        .isInstanceOf(BadTraceException.class)
        .hasMessageEndingWith("has a header but no request");
    assertThatThrownBy(() -> TraceFile.read(directory.resolve("none.csv")))
        .isInstanceOf(BadTraceException.class)
        .hasMessageEndingWith("none.csv: no such file");
    assertThatThrownBy(() -> TraceFile.read(directory))
        .isInstanceOf(BadTraceException.class)
        .hasMessageEndingWith("not a regular file");
  }

  private Trace read(String... parts) throws IOException, BadTraceException {
    Files.write(file(), String.join("", parts).getBytes(StandardCharsets.UTF_8));
    return TraceFile.read(file());
  }

  private Path file() {
    return directory.resolve("trace.csv");
  }
}
