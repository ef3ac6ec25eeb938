package dev.forebay.queue.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is said of several processes' lines: even ids are of one key, odd ones of another. */
class KeyedStoryTest {

  private final KeyedStory story = new KeyedStory(id -> id % 2 == 0 ? "even" : "odd");

  @Test
  void inTurn_isGood() {
    tell(1, "S 0 10", "F 0 20", "S 1 12", "F 1 40");
    tell(2, "S 2 20", "F 2 30", "S 3 41", "F 3 50");
    assertThat(story.finished()).isEqualTo(4);
    assertThat(story.repeated()).isZero();
    assertThat(story.outOfOrder()).isZero();
    assertThat(story.overlaps()).isZero();
    assertThat(story.firstStart(2)).isEqualTo(20);
    assertThat(story.firstStart(3)).isNull();
  }

  @Test
  void laterOneOfAKeyFirst_isOutOfOrder() {
    tell(1, "S 2 10", "F 2 20", "S 0 20", "F 0 30");
    assertThat(story.outOfOrder()).isEqualTo(1);
    assertThat(story.overlaps()).isZero();
  }

  @Test
  void oneOfAKeyWhileAnotherIsInHand_overlaps() {
    tell(1, "S 0 10", "F 0 20");
    tell(2, "S 2 19", "F 2 30");
    assertThat(story.overlaps()).isEqualTo(1);
    assertThat(story.outOfOrder()).isZero();
  }

  @Test
  void againAfterAnotherProcessFinishedIt_isCounted() {
    tell(1, "S 0 10", "F 0 20", "S 2 21");
    tell(2, "S 0 40", "F 0 50", "S 2 51", "F 2 60");
    assertThat(story.repeated()).isEqualTo(2);
    assertThat(story.finishedBefore(2)).isEqualTo(1);
    assertThat(story.overlaps()).as("whoever was killed holds nothing").isZero();
    assertThat(story.outOfOrder()).isZero();
  }

  @Test
  void otherLines_areLeftOut() {
    assertThat(story.tell(1, "S 4")).as("cut off").isFalse();
    assertThat(story.tell(1, "SLF4J: hello")).isFalse();
    assertThat(story.tell(1, null)).isFalse();
    assertThat(story.finished()).isZero();
  }

  private void tell(int process, String... lines) {
    for (String line : lines) {
      assertThat(story.tell(process, line)).isTrue();
    }
  }
}
