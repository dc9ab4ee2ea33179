import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.CloseableIterator;

/**
 * Reads record batches as Kafka's own consumer does (CompletedFetch, which reads uncommitted and
 * checks CRCs): ensureValid, streamingIterator, ensureValid of every record, no control records.
 * Run: java -cp JARS BatchReader.java
 * Input: per question an int of how many bytes follow, and the bytes of batches that follow one another.
 * Output: a line per question: `read COUNT SHA-256`, where the hash is over all records as `write` has
 * them, `partial` where a batch is cut short, or `refused CLASS: MESSAGE`.
 */
class BatchReader {
  static final BufferSupplier BUFFERS = BufferSupplier.create();

  public static void main(String[] arguments) throws Exception {
    DataInputStream input = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
    PrintStream output = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false);
    for (;;) {
      if (input.available() == 0) output.flush();
      int first = input.read();
      if (first < 0) break;
      int length = (first << 24) | (input.readUnsignedShort() << 8) | input.readUnsignedByte();
      output.println(answer(ByteBuffer.wrap(input.readNBytes(length))));
    }
    output.flush();
  }

  static String answer(ByteBuffer bytes) {
    try {
      return read(bytes);
    } catch (Throwable problem) {
      String text = problem + " " + problem.getCause();
      return "refused " + text.replaceAll("\\s+", " ");
    }
  }

  static String read(ByteBuffer bytes) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    DataOutputStream records = new DataOutputStream(
        new BufferedOutputStream(new DigestOutputStream(OutputStream.nullOutputStream(), digest)));
    int count = 0;
    int size = 0;
    for (MutableRecordBatch batch : MemoryRecords.readableRecords(bytes.duplicate()).batches()) {
      size += batch.sizeInBytes();
      if (batch.magic() >= RecordBatch.MAGIC_VALUE_V2) batch.ensureValid();
      try (CloseableIterator<Record> iterator = batch.streamingIterator(BUFFERS)) {
        while (iterator.hasNext()) {
          Record record = iterator.next();
          record.ensureValid();
          if (batch.isControlBatch()) continue;
          write(record, batch.timestampType().id, records);
          count++;
        }
      }
    }
    if (size < bytes.limit()) return "partial";
    records.flush();
    return "read " + count + " " + HexFormat.of().formatHex(digest.digest());
  }

  static void write(Record record, int timestampType, DataOutputStream output) throws Exception {
    output.writeLong(record.offset());
    output.writeLong(record.timestamp());
    output.writeByte(timestampType);
    write(record.key(), output);
    write(record.value(), output);
    Header[] headers = record.headers();
    output.writeInt(headers.length);
    for (Header header : headers) {
      write(keyOf(header), output);
      byte[] value = header.value();
      write(value == null ? null : ByteBuffer.wrap(value), output);
    }
  }

  static void write(ByteBuffer bytes, DataOutputStream output) throws IOException {
    if (bytes == null) {
      output.writeInt(-1);
      return;
    }
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    output.writeInt(copy.length);
    output.write(copy);
  }

  static final Field KEY = keyField();

  static Field keyField() {
    try {
      Field field = RecordHeader.class.getDeclaredField("keyBuffer");
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException problem) {
      throw new IllegalStateException(problem);
    }
  }

  /** The bytes themselves: `key()` puts another character where they are no UTF-8. */
  static ByteBuffer keyOf(Header header) throws Exception {
    ByteBuffer bytes = (ByteBuffer) KEY.get(header);
    return bytes != null ? bytes : ByteBuffer.wrap(header.key().getBytes(StandardCharsets.UTF_8));
  }
}
