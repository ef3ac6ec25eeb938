package dev.forebay.queue.dedup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Keys tell apart what is different (U3) and are the same everywhere. */
class DedupKeyTest {

  @Test
  void U3_partsAreLengthPrefixed() throws Exception {
    // "a", "bc" by hand: count of characters, characters.
    byte[] input = HexFormat.of().parseHex("00000001" + "0061" + "00000002" + "00620063");
    byte[] expected = MessageDigest.getInstance("SHA-256").digest(input);
    assertThat(DedupKey.of("a", "bc").bytes()).isEqualTo(expected);
    assertThat(DedupKey.of("a", "bc")).hasToString(HexFormat.of().formatHex(expected));
  }

  @Test
  void U3_equalPartsGiveEqualKeys() {
    assertThat(DedupKey.of("tenant", "id")).isEqualTo(DedupKey.of("tenant", "id"));
    assertThat(DedupKey.of("tenant", "id")).hasSameHashCodeAs(DedupKey.of("tenant", "id"));
    assertThat(DedupKey.of("id", "tenant")).isNotEqualTo(DedupKey.of("tenant", "id"));
    assertThat(DedupKey.of("tenant", "id")).isNotEqualTo("tenant");
  }

  @Test
  void U3_noWayOfSplittingOneTextMeetsAnother() {
    String text = "a\u00e9\ud83d\ude00\ud800z";
    Set<DedupKey> keys = new HashSet<>();
    int ways = 0;
    for (int i = 0; i <= text.length(); i++) {
      keys.add(DedupKey.of(text.substring(0, i), text.substring(i)));
      ways++;
      for (int j = i; j <= text.length(); j++) {
        keys.add(DedupKey.of(text.substring(0, i), text.substring(i, j), text.substring(j)));
        ways++;
      }
    }
    assertThat(keys).hasSize(ways);
  }

  @Test
  void U3_loneSurrogatesAreNotTheSame() {
    assertThat("\ud800".getBytes(StandardCharsets.UTF_8))
        .isEqualTo("\ud801".getBytes(StandardCharsets.UTF_8));
    assertThat(DedupKey.of("\ud800")).isNotEqualTo(DedupKey.of("\ud801"));
  }

  @Test
  void bytesAreTheCallersOwn() {
    DedupKey key = DedupKey.of("a");
    key.bytes()[0]++;
    assertThat(key).isEqualTo(DedupKey.of("a"));
  }

  @Test
  void noPartIsRefused() {
    assertThatThrownBy(DedupKey::of).isInstanceOf(IllegalArgumentException.class);
  }
}
