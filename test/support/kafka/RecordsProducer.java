import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends the records of standard input with Kafka's own producer, once to each TOPIC:COMPRESSION.
 * Run: java -cp JARS RecordsProducer.java BOOTSTRAP TOPIC:COMPRESSION…
 * Input: int count, then per record key, value, int count of headers, per header name and value;
 * bytes are an int length, −1 for null, and the bytes; all big-endian.
 */
class RecordsProducer {
  record Given(byte[] key, byte[] value, List<Header> headers) {}

  public static void main(String[] arguments) throws Exception {
    List<Given> records = read();
    for (int at = 1; at < arguments.length; at++) {
      String[] wish = arguments[at].split(":", 2);
      send(arguments[0], wish[0], wish[1], records);
    }
  }

  static void send(String bootstrap, String topic, String compression, List<Given> records)
      throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("compression.type", compression);
    properties.put("acks", "all");
    properties.put("linger.ms", "50");
    ByteArraySerializer serializer = new ByteArraySerializer();
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (var producer = new KafkaProducer<byte[], byte[]>(properties, serializer, serializer)) {
      for (Given record : records) {
        sent.add(producer.send(
            new ProducerRecord<>(topic, null, record.key, record.value, record.headers)));
      }
    }
    for (Future<RecordMetadata> one : sent) one.get();
  }

  static List<Given> read() throws IOException {
    DataInputStream input = new DataInputStream(new BufferedInputStream(System.in));
    List<Given> records = new ArrayList<>();
    for (int left = input.readInt(); left > 0; left--) {
      byte[] key = bytes(input);
      byte[] value = bytes(input);
      List<Header> headers = new ArrayList<>();
      for (int more = input.readInt(); more > 0; more--) {
        String name = new String(bytes(input), StandardCharsets.UTF_8);
        headers.add(new RecordHeader(name, bytes(input)));
      }
      records.add(new Given(key, value, headers));
    }
    return records;
  }

  static byte[] bytes(DataInputStream input) throws IOException {
    int length = input.readInt();
    return length < 0 ? null : input.readNBytes(length);
  }
}
