package dev.forebay.queue.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.Attempts;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** C8: the text that travels with an offset commit. */
class KeyedMetadataTest {

  private static final long BASE = 123_456_789_000L;

  private static KeyedLedger ledger(int offsets) {
    KeyedLedger ledger = KeyedLedger.at(BASE);
    for (int i = 0; i < offsets; i++) {
      ledger.arrived(BASE + i);
    }
    return ledger;
  }

  private static KeyedMetadata.Restored roundTrip(KeyedLedger ledger) {
    KeyedMetadata.Encoded encoded = KeyedMetadata.encode(ledger, 7, KeyedMetadata.MAX_CHARS);
    assertThat(encoded.text()).hasSizeLessThanOrEqualTo(KeyedMetadata.MAX_CHARS);
    KeyedMetadata.Restored restored = KeyedMetadata.decode(encoded.text(), ledger.base());
    assertThat(restored).isNotNull();
    assertThat(Objects.requireNonNull(restored).term()).isEqualTo(7);
    return restored;
  }

  @Test
  void C8_randomLedgers_roundTrip() {
    Random random = new Random(3);
    for (int round = 0; round < 2_000; round++) {
      int size = 1 + random.nextInt(3_000);
      double share = random.nextDouble();
      KeyedLedger ledger = ledger(size);
      Map<Long, KeyedLedger.Retry> expected = new HashMap<>();
      for (int i = 1; i < size; i++) {
        long offset = BASE + i;
        if (random.nextDouble() < share) {
          ledger.resolve(offset);
        } else if (random.nextInt(100) == 0) {
          Attempts attempts =
              new Attempts(random.nextInt(5), random.nextInt(3), 1 + random.nextInt(2));
          long notBefore = random.nextBoolean() ? 0 : 1_700_000_000_000L + random.nextInt(900_000);
          ledger.comesBack(offset, attempts, notBefore);
          boolean handedOut = random.nextBoolean();
          if (handedOut) {
            ledger.started(offset);
          }
          expected.put(
              offset,
              handedOut
                  ? new KeyedLedger.Retry(attempts.plusLeaseLost(), 0)
                  : new KeyedLedger.Retry(attempts, notBefore));
        } else if (random.nextInt(20) == 0) {
          ledger.started(offset);
          expected.put(offset, new KeyedLedger.Retry(Attempts.NONE.plusLeaseLost(), 0));
        }
      }
      KeyedMetadata.Restored restored = roundTrip(ledger);
      for (long offset = BASE; offset < BASE + size + 70; offset++) {
        assertThat(restored.resolved().get(offset))
            .isEqualTo(offset < BASE + size && ledger.isResolved(offset));
      }
      assertThat(restored.retries().keySet()).isEqualTo(expected.keySet());
      restored
          .retries()
          .forEach(
              (offset, retry) -> {
                KeyedLedger.Retry wanted = Objects.requireNonNull(expected.get(offset));
                assertThat(retry.attempts()).isEqualTo(wanted.attempts());
                assertThat(retry.notBefore())
                    .as("never early, late by one unit at most")
                    .isBetween(wanted.notBefore(), wanted.notBefore() + KeyedMetadata.UNIT_MILLIS);
              });
    }
  }

  @Test
  void C8_worstMixtureOfTwentyThousand_fits() {
    KeyedLedger ledger = ledger(20_000);
    Random random = new Random(5);
    for (int i = 1; i < 20_000; i++) {
      if (random.nextBoolean()) {
        ledger.resolve(BASE + i);
      }
    }
    KeyedMetadata.Encoded encoded = KeyedMetadata.encode(ledger, 1, KeyedMetadata.MAX_CHARS);
    assertThat(encoded.complete()).isTrue();
    assertThat(encoded.text()).hasSizeLessThanOrEqualTo(KeyedMetadata.MAX_CHARS);
  }

  @Test
  void C8_oneStraggler_costsNextToNothing() {
    KeyedLedger ledger = ledger(2_000_000);
    for (int i = 1; i < 2_000_000; i++) {
      ledger.resolve(BASE + i);
    }
    KeyedMetadata.Encoded encoded = KeyedMetadata.encode(ledger, 1, KeyedMetadata.MAX_CHARS);
    assertThat(encoded.text()).hasSizeLessThan(50);
    assertThat(roundTrip(ledger).resolved().count()).isEqualTo(1_999_999);
  }

  @Test
  void C8_whatDoesNotFit_isLeftOutFromTheEndAndSaidSo() {
    Random random = new Random(7);
    for (int size : new int[] {30_000, 60_000, 200_000}) {
      KeyedLedger ledger = ledger(size);
      for (int i = 1; i < size; i++) {
        if (random.nextBoolean()) {
          ledger.resolve(BASE + i);
        } else if (random.nextInt(3) == 0) {
          ledger.comesBack(
              BASE + i, new Attempts(random.nextInt(9), 1, 0), random.nextInt(1 << 30));
        } else {
          ledger.started(BASE + i);
        }
      }
      KeyedMetadata.Encoded encoded = KeyedMetadata.encode(ledger, 7, KeyedMetadata.MAX_CHARS);
      assertThat(encoded.complete()).isFalse();
      assertThat(encoded.fill()).isGreaterThan(0.75);
      KeyedMetadata.Restored restored = roundTrip(ledger);
      assertThat(encoded.covered()).isGreaterThan(BASE + 15_000);
      for (long offset = BASE; offset < BASE + size; offset++) {
        assertThat(restored.resolved().get(offset))
            .isEqualTo(offset < encoded.covered() && ledger.isResolved(offset));
      }
    }
  }

  @Test
  void C8_shorterRoom_isKept() {
    KeyedLedger ledger = ledger(10_000);
    for (int i = 1; i < 10_000; i += 2) {
      ledger.resolve(BASE + i);
    }
    for (int room = 128; room < KeyedMetadata.MAX_CHARS; room += 37) {
      KeyedMetadata.Encoded encoded = KeyedMetadata.encode(ledger, 1, room);
      assertThat(encoded.text()).hasSizeLessThanOrEqualTo(room);
      assertThat(KeyedMetadata.decode(encoded.text(), BASE)).isNotNull();
    }
  }

  @Test
  void C8_otherOffsetOrText_isUnreadable() {
    String text = KeyedMetadata.encode(ledger(100), 1, KeyedMetadata.MAX_CHARS).text();
    assertThat(KeyedMetadata.decode(text, BASE)).isNotNull();
    assertThat(KeyedMetadata.decode(text, BASE + 1)).isNull();
    for (String other :
        new String[] {"", "x", "f1.", "f1.AAAA", "f2" + text.substring(2), "f1.é"}) {
      assertThat(KeyedMetadata.decode(other, BASE)).as(other).isNull();
    }
    for (int i = 3; i < text.length(); i++) {
      String flipped =
          text.substring(0, i) + (text.charAt(i) == 'A' ? 'B' : 'A') + text.substring(i + 1);
      assertThat(KeyedMetadata.decode(flipped, BASE)).as("character %s", i).isNull();
      assertThat(KeyedMetadata.decode(text.substring(0, i), BASE)).isNull();
    }
  }

  /** A right checksum over nonsense: never an exception, never more than the bounds. */
  @Test
  void C8_nonsenseWithARightChecksum_isReadOrRefused() {
    Random random = new Random(11);
    int readable = 0;
    for (int round = 0; round < 50_000; round++) {
      byte[] content = new byte[5 + random.nextInt(6)];
      random.nextBytes(content);
      content[0] = 1;
      for (int i = 1; i < content.length; i++) {
        if (random.nextInt(4) > 0) {
          content[i] &= 3;
        }
      }
      if (KeyedMetadata.decode(KeyedMetadata.seal(content, 5), 5) != null) {
        readable++;
      }
    }
    assertThat(readable).as("of 50,000").isGreaterThan(20);
  }

  @Test
  void C8_mutatedMetadata_isReadOrRefused() {
    Random random = new Random(13);
    KeyedLedger ledger = ledger(500);
    for (int i = 1; i < 500; i++) {
      if (i % 3 == 0) {
        ledger.resolve(BASE + i);
      } else if (i % 7 == 0) {
        ledger.comesBack(BASE + i, new Attempts(1, 2, 3), 1_700_000_000_000L);
      }
    }
    String text = KeyedMetadata.encode(ledger, 1, KeyedMetadata.MAX_CHARS).text();
    byte[] content = Base64.getUrlDecoder().decode(text.substring(3));
    for (int round = 0; round < 30_000; round++) {
      byte[] mutated = Arrays.copyOf(content, content.length - 4);
      for (int i = 0; i <= random.nextInt(3); i++) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
      }
      KeyedMetadata.Restored restored =
          KeyedMetadata.decode(KeyedMetadata.seal(mutated, BASE), BASE);
      if (restored != null) {
        assertThat(restored.retries()).hasSizeLessThanOrEqualTo(KeyedMetadata.MAX_RETRIES);
      }
    }
  }
}
