import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { RecordParts } from '../../ledger/records.js';
import { kafkaClassPath, RESOURCES } from './kafka/jars.js';

type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface Wish {
  readonly topic: string;
  readonly compression: Compression;
}

/**
 * Sends `records` once to every topic with Kafka's own Java producer. Resolves to why this machine
 * cannot, or null once all are acknowledged.
 */
export async function produceWithJava(
  bootstrap: string,
  wishes: readonly Wish[],
  records: readonly RecordParts[],
): Promise<{ skip: string } | null> {
  const jars = await kafkaClassPath();
  if ('skip' in jars) return jars;
  const source = join(RESOURCES, 'RecordsProducer.java');
  const topics = wishes.map(({ topic, compression }) => `${topic}:${compression}`);
  const words = ['-XX:TieredStopAtLevel=1', '-cp', jars.classPath, source, bootstrap, ...topics];
  const child = spawn('java', words, { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.stdin.once('error', () => resolve(-1));
    child.once('close', (status) => resolve(status ?? -1));
  });
  child.stdin.end(encode(records));
  if ((await code) !== 0) throw new Error(`the Java producer failed: ${stderr}`);
  return null;
}

function encode(records: readonly RecordParts[]): Buffer {
  const parts: Uint8Array[] = [int(records.length)];
  for (const { key, value, headers } of records) {
    parts.push(...bytes(key), ...bytes(value), int(headers.length));
    for (const header of headers) parts.push(...bytes(header.key), ...bytes(header.value));
  }
  return Buffer.concat(parts);
}

function bytes(value: Uint8Array | null): Uint8Array[] {
  return value === null ? [int(-1)] : [int(value.length), value];
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
