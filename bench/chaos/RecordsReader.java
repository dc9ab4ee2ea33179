import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Writes every record of a topic to standard output, partition by partition, read by Kafka's own
 * consumer up to the end offset at its start.
 * Run: java -cp JARS RecordsReader.java BOOTSTRAP TOPIC PARTITIONS
 * Output, big-endian: int length of what follows, int partition, long offset, long timestamp, byte
 * timestamp type (1: LogAppendTime), and the record's body: zigzag varint lengths, −1 for null, of
 * key and value with their bytes, the count of headers, and of each header its name and value. After
 * a partition's last record one frame with its end offset, timestamp −1 and no body.
 */
class RecordsReader {
  static final Duration POLL = Duration.ofMillis(500);
  static final long PATIENCE_MS = 60_000;

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", arguments[0]);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    properties.put("allow.auto.create.topics", "false");
    properties.put("max.poll.records", "5000");
    properties.put("max.partition.fetch.bytes", "8388608");
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    var output = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
    try (var consumer = new KafkaConsumer<byte[], byte[]>(properties, bytes, bytes)) {
      for (int partition = 0; partition < Integer.parseInt(arguments[2]); partition++) {
        read(consumer, new TopicPartition(arguments[1], partition), output);
      }
    }
    output.flush();
  }

  static void read(
      KafkaConsumer<byte[], byte[]> consumer, TopicPartition from, DataOutputStream output)
      throws Exception {
    consumer.assign(List.of(from));
    Map<TopicPartition, Long> ends = consumer.endOffsets(List.of(from));
    long end = ends.get(from);
    consumer.seekToBeginning(List.of(from));
    long progress = System.currentTimeMillis();
    while (consumer.position(from) < end) {
      var records = consumer.poll(POLL);
      for (var record : records) if (record.offset() < end) write(record, output);
      long now = System.currentTimeMillis();
      if (!records.isEmpty()) progress = now;
      else if (now - progress > PATIENCE_MS) throw new IllegalStateException("no records: " + from);
    }
    frame(output, from.partition(), end, -1, 1, new byte[0]);
  }

  static void write(ConsumerRecord<byte[], byte[]> record, DataOutputStream output)
      throws Exception {
    ByteArrayOutputStream body = new ByteArrayOutputStream(512);
    bytes(body, record.key());
    bytes(body, record.value());
    Header[] headers = record.headers().toArray();
    varint(body, headers.length);
    for (Header header : headers) {
      bytes(body, header.key().getBytes(StandardCharsets.UTF_8));
      bytes(body, header.value());
    }
    int type = record.timestampType() == TimestampType.LOG_APPEND_TIME ? 1 : 0;
    frame(output, record.partition(), record.offset(), record.timestamp(), type, body.toByteArray());
  }

  static void frame(
      DataOutputStream output, int partition, long offset, long timestamp, int type, byte[] body)
      throws Exception {
    output.writeInt(4 + 8 + 8 + 1 + body.length);
    output.writeInt(partition);
    output.writeLong(offset);
    output.writeLong(timestamp);
    output.writeByte(type);
    output.write(body);
  }

  static void bytes(ByteArrayOutputStream body, byte[] value) {
    varint(body, value == null ? -1 : value.length);
    if (value != null) body.writeBytes(value);
  }

  static void varint(ByteArrayOutputStream body, int value) {
    int left = (value << 1) ^ (value >> 31);
    while ((left & ~0x7f) != 0) {
      body.write((left & 0x7f) | 0x80);
      left >>>= 7;
    }
    body.write(left);
  }
}
