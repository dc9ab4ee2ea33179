import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { kafkaClassPath, PROJECT } from '../../test/support/kafka/jars.js';

const LENGTH_BYTES = 4;
const HEAD_BYTES = 4 + 8 + 8 + 1;

/** A record as Kafka's own consumer gave it; `body` is a view that lasts until the next one. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly timestampType: number;
  /** FORMAT §2; null: no record, `offset` is the end of this partition. */
  readonly body: Buffer | null;
}

/**
 * Every record of a topic, partition by partition, in the order of offsets. Read by a Java process,
 * so that none of the code under test is trusted with it.
 */
export async function* readLog(
  bootstrap: string,
  topic: string,
  partitions: number,
): AsyncGenerator<LogRecord> {
  const jars = await kafkaClassPath();
  if ('skip' in jars) throw new Error(jars.skip);
  const source = join(PROJECT, 'bench', 'chaos', 'RecordsReader.java');
  const words = ['-Xmx256m', '-cp', jars.classPath, source, bootstrap, topic, String(partitions)];
  const child = spawn('java', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? -1));
  });
  try {
    yield* frames(child.stdout);
    const code = await ended;
    if (code !== 0) throw new Error(`reading ${topic} ended with ${code}: ${stderr}`);
  } finally {
    child.kill('SIGKILL');
  }
}

async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<LogRecord> {
  let left: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const end = at + LENGTH_BYTES + bytes.readInt32BE(at);
      if (end > bytes.length) break;
      yield decode(bytes, at + LENGTH_BYTES, end);
      at = end;
    }
    left = bytes.subarray(at);
  }
  if (left.length > 0) throw new Error('the reader was cut off');
}

function decode(bytes: Buffer, at: number, end: number): LogRecord {
  const timestamp = bytes.readBigInt64BE(at + 12);
  return {
    partition: bytes.readInt32BE(at),
    offset: bytes.readBigInt64BE(at + 4),
    timestamp,
    timestampType: bytes.readUInt8(at + 20),
    body: timestamp < 0n ? null : bytes.subarray(at + HEAD_BYTES, end),
  };
}

export interface BodyParts {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, Buffer | null>;
}

/** Key, value and headers of a body, as views. */
export function parseBody(body: Buffer): BodyParts {
  let at = 0;
  const varint = (): number => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = body.readUInt8(at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
      shift += 7;
    }
  };
  const bytes = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return body.subarray(at - length, at);
  };
  const [key, value] = [bytes(), bytes()];
  const headers = new Map<string, Buffer | null>();
  for (let count = varint(); count > 0; count -= 1) {
    const name = bytes()?.toString('latin1') ?? '';
    headers.set(name, bytes());
  }
  return { key, value, headers };
}
