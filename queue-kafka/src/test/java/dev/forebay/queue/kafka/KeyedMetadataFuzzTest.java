package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.forebay.queue.kafka.KeyedMetadata.Encoded;
import dev.forebay.queue.kafka.KeyedMetadata.Restored;
import java.nio.charset.StandardCharsets;

/**
 * Offset metadata from anywhere: it is read or refused, and what was read can be written and read
 * again. A normal build tries the seeds; the profile {@code fuzz} looks for more.
 */
class KeyedMetadataFuzzTest {

  private static final long OFFSET = 1_000;

  /** What a producer of metadata that knows the checksum could commit. */
  @FuzzTest(maxDuration = "2h", maxExecutions = 5_000_000)
  void C8_anyMetadata_isReadOrRefused(byte[] content) {
    String text = new String(content, StandardCharsets.ISO_8859_1);
    if (KeyedMetadata.decode(text, OFFSET) != null) {
      // The checksum is over the offset, too: what belongs to one is nothing at any other.
      assertThat(KeyedMetadata.decode(text, OFFSET + 1)).isNull();
    }
    Restored restored = KeyedMetadata.decode(KeyedMetadata.seal(content, OFFSET), OFFSET);
    if (restored == null) {
      return;
    }
    assertThat(restored.retries()).hasSizeLessThanOrEqualTo(KeyedMetadata.MAX_RETRIES);
    KeyedLedger ledger = KeyedLedger.restored(OFFSET, restored.resolved(), restored.retries());
    Encoded written = KeyedMetadata.encode(ledger, restored.term(), KeyedMetadata.MAX_CHARS);
    assertThat(written.text().length()).isLessThanOrEqualTo(KeyedMetadata.MAX_CHARS);
    Restored again = KeyedMetadata.decode(written.text(), ledger.base());
    assertThat(again).isNotNull();
    assertThat(again.term()).isEqualTo(restored.term());
    if (written.complete()) {
      assertThat(again.retries().keySet()).isEqualTo(ledger.retries().keySet());
      // Below the base a ledger may still have some bits of its first word.
      long end = ledger.resolvedBits().end(ledger.base());
      for (long at = ledger.base(); at < end; at += 64) {
        assertThat(again.resolved().bitsFrom(at)).isEqualTo(ledger.resolvedBits().bitsFrom(at));
      }
      assertThat(again.resolved().end(ledger.base())).isEqualTo(end);
    }
  }
}
