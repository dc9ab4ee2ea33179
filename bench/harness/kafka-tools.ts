import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from '../../test/support/kafka/jars.js';

const run = promisify(execFile);
const POM = join(PROJECT, 'bench', 'harness', 'pom.xml');
const FOLDER = join(PROJECT, 'node_modules', '.cache', 'sealstream-kafka-tools');

export interface KafkaTools {
  readonly classPath: string;
  readonly version: string;
}

/** The jars of Kafka's measuring clients, copied by Maven the first time; or why there are none. */
export async function kafkaTools(): Promise<KafkaTools | { skip: string }> {
  try {
    if (!existsSync(FOLDER)) await copyJars();
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
    return { skip: `Maven could not bring Kafka's tools: ${line}` };
  }
  const jars = await readdir(FOLDER);
  const clients = jars.find((jar) => jar.startsWith('kafka-clients-')) ?? '';
  const version = /^kafka-clients-(.+)\.jar$/.exec(clients)?.[1] ?? 'unknown';
  return { classPath: join(FOLDER, '*'), version };
}

/** Into a folder of its own, renamed at the end, so that the cache is whole or absent. */
async function copyJars(): Promise<void> {
  const part = `${FOLDER}.${process.pid}.part`;
  await mkdir(part, { recursive: true });
  try {
    const options = [`-DoutputDirectory=${part}`, '-DincludeScope=runtime'];
    await run('mvn', ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', ...options]);
    await rename(part, FOLDER);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
