package dev.forebay.queue.redis;

import dev.forebay.queue.dedup.DedupStore;
import dev.forebay.queue.testkit.contract.DedupStoreContract;
import dev.forebay.queue.testkit.contract.DedupStoreHarness;
import dev.forebay.queue.testkit.server.RedisServer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What all dedup stores keep, on a real Redis. */
class RedisDedupStoreContractTest extends DedupStoreContract {

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
  protected DedupStoreHarness harness() {
    List<RedisDedupStore> opened = new ArrayList<>();
    return new DedupStoreHarness() {
      @Override
      public DedupStore open() {
        RedisDedupStore store =
            RedisDedupStore.builder(client, uri).timeout(Duration.ofSeconds(30)).build();
        opened.add(store);
        return store;
      }

      @Override
      public void close() {
        opened.forEach(RedisDedupStore::close);
      }
    };
  }
}
