package dev.forebay.queue.testkit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MissingServerTest {

  @Test
  void whoHasNoServer_isToldWhatToAdd() {
    assertThatThrownBy(
            () ->
                MissingServer.orSay(
                    "some.group:some-server",
                    () -> {
                      throw new NoClassDefFoundError("some/Server");
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Add some.group:some-server in scope test")
        .hasCauseInstanceOf(NoClassDefFoundError.class);
  }

  @Test
  void whoHasIt_getsIt() {
    assertThat(MissingServer.<String>orSay("nothing", () -> "server")).isEqualTo("server");
  }
}
