package dev.forebay.queue.redis;

import dev.forebay.queue.progress.ProgressStore;
import dev.forebay.queue.testkit.contract.ProgressStoreContract;
import dev.forebay.queue.testkit.contract.ProgressStoreHarness;
import dev.forebay.queue.testkit.server.RedisServer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What all progress stores keep, on a real Redis. */
class RedisProgressStoreContractTest extends ProgressStoreContract {

  private static RedisClient client;
  private static RedisURI uri;

  @BeforeAll
  static void connect() {
    uri = RedisURI.create(RedisServer.shared().uri());
    client = RedisClient.create();
  }

  @AfterAll
  static void disconnect() {
    if (client != null) {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(5));
    }
  }

  @Override
  protected ProgressStoreHarness harness() {
    List<RedisProgressStore> opened = new ArrayList<>();
    return new ProgressStoreHarness() {
      @Override
      public ProgressStore open() {
        RedisProgressStore store =
            RedisProgressStore.builder(client, uri).timeout(Duration.ofSeconds(30)).build();
        opened.add(store);
        return store;
      }

      @Override
      public void close() {
        opened.forEach(RedisProgressStore::close);
      }
    };
  }
}
