package dev.forebay.queue.benchmarks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** The contenders by the names they have on the command line and in the tables. */
final class SqsContenders {

  private static final Map<String, Function<SqsTarget, SqsContender>> ALL = new LinkedHashMap<>();

  static {
    ALL.put("naive", NaiveLoop::new);
    ALL.put("hand-tuned", target -> new HandTunedLoop(target.syncClient()));
    ALL.put("hand-tuned-netty", target -> new HandTunedLoop(new BlockingSqs(target.asyncClient())));
    ALL.put("hand-tuned-crt", target -> new HandTunedLoop(new BlockingSqs(target.crtClient())));
    ALL.put("forebay", target -> new ForebayWorker(target.asyncClient()));
    ALL.put("forebay-crt", target -> new ForebayWorker(target.crtClient()));
    ALL.put("spring", target -> new SpringCloudAws(target, SqsBatches.SIZE));
    ALL.put("spring-one-a-poll", target -> new SpringCloudAws(target, 1));
  }

  private SqsContenders() {}

  static List<String> names() {
    return List.copyOf(ALL.keySet());
  }

  static SqsContender create(String name, SqsTarget target) {
    Function<SqsTarget, SqsContender> factory = ALL.get(name);
    if (factory == null) {
      throw new IllegalArgumentException("No contender " + name + "; there are " + names());
    }
    return factory.apply(target);
  }
}
