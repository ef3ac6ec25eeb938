package dev.forebay.queue.kafka;

import dev.forebay.queue.QueueException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ShareGroupDescription;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The settings of a share group at the brokers, which are the same for all its members, whatever
 * process they are of. Stateless but for the client; thread-safe.
 */
final class ShareGroupSettings {

  private static final Logger log = LoggerFactory.getLogger(ShareGroupSettings.class);

  static final String LOCK_DURATION = "share.record.lock.duration.ms";
  static final String DELIVERY_LIMIT = "share.delivery.count.limit";
  static final String OFFSET_RESET = "share.auto.offset.reset";

  /** Brokers cannot be set to a highest delivery limit below this. */
  private static final int LEAST_HIGHEST_LIMIT = 5;

  private final BrokerAdmin broker;
  private final Admin admin;

  ShareGroupSettings(BrokerAdmin broker) {
    this.broker = broker;
    this.admin = broker.client();
  }

  /**
   * Sets what the contract needs on the share group; changes nothing that is right already.
   *
   * @param deliveryLimit the highest that is of use; brokers may be set to allow less
   * @return the delivery limit that the group has then
   */
  int set(String group, Duration lock, int deliveryLimit) {
    for (int limit = deliveryLimit; ; limit--) {
      try {
        setExactly(group, lock, limit);
        return limit;
      } catch (QueueException e) {
        if (limit <= LEAST_HIGHEST_LIMIT || !isAbout(e, DELIVERY_LIMIT)) {
          throw e;
        }
      }
    }
  }

  private static boolean isAbout(QueueException refusal, String setting) {
    Throwable cause = refusal.getCause();
    return cause instanceof InvalidConfigurationException
        && String.valueOf(cause.getMessage()).contains(setting);
  }

  private void setExactly(String group, Duration lock, int deliveryLimit) {
    Map<String, String> wanted =
        Map.of(
            LOCK_DURATION, Long.toString(lock.toMillis()),
            DELIVERY_LIMIT, Integer.toString(deliveryLimit),
            // With the default, records enqueued before the first poll would be skipped.
            OFFSET_RESET, "earliest");
    Config current = broker.config(ConfigResource.Type.GROUP, group);
    List<AlterConfigOp> changes = new ArrayList<>();
    wanted.forEach(
        (name, value) -> {
          if (!value.equals(ownSetting(current, name))) {
            changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET));
          }
        });
    if (changes.isEmpty()) {
      return;
    }
    broker.ask(
        admin
            .incrementalAlterConfigs(
                Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), changes))
            .all(),
        "set " + wanted + " on the share group " + group,
        "A lease must lie between the brokers' group.share.min.record.lock.duration.ms and"
            + " group.share.max.record.lock.duration.ms (15 s and 60 s by default): choose another"
            + " lease, it is kept longer by extending it, or change the brokers' limits. The"
            + " delivery limit must lie between group.share.min.delivery.count.limit and"
            + " group.share.max.delivery.count.limit.",
        "Grant ALTER_CONFIGS on the group, or set these values once with kafka-configs.sh --alter"
            + " --entity-type groups --entity-name "
            + group);
    log.info("Share group {}: set {}", group, wanted);
    warnOfOtherLease(group, ownSetting(current, LOCK_DURATION), wanted.get(LOCK_DURATION));
  }

  /** A default may be changed on the broker later; the group's own value stays. */
  private static @Nullable String ownSetting(Config config, String name) {
    ConfigEntry entry = config.get(name);
    return entry != null && entry.source() == ConfigEntry.ConfigSource.DYNAMIC_GROUP_CONFIG
        ? entry.value()
        : null;
  }

  /** One lock time for all members: processes that ask for different ones take turns in setting. */
  private void warnOfOtherLease(String group, @Nullable String was, @Nullable String is) {
    if (was == null || was.equals(is)) {
      return;
    }
    int members;
    try {
      members = membersOf(group);
    } catch (QueueException e) {
      log.debug("Share group {}: its members are not told", group, e);
      return;
    }
    if (members > 0) {
      log.warn(
          "Share group {}: its record lock was {} ms and is {} ms now, for its {} members at work"
              + " too. Build all queues of a group with the same lease; a process that dies is"
              + " noticed by the lock that was set last.",
          group,
          was,
          is,
          members);
    }
  }

  private int membersOf(String group) {
    ShareGroupDescription description =
        broker
            .ask(
                admin.describeShareGroups(List.of(group)).all(),
                "describe the share group " + group,
                "",
                "Grant DESCRIBE on the group.")
            .get(group);
    return description == null ? 0 : description.members().size();
  }
}
