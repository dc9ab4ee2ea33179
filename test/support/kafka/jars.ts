import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The folder that holds package.json, from wherever the compiled file runs. */
export const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');

/** Where pom.xml and log4j2.xml are; the compiler copies neither. */
export const RESOURCES = join(PROJECT, 'test', 'support', 'kafka');

const OLDEST_JAVA = 17;
const run = promisify(execFile);

/**
 * The jars of one version of Kafka as a class path, copied by Maven the first time; default: that of
 * pom.xml. `skip` says in one line why this machine cannot have them.
 */
export async function kafkaClassPath(
  version?: string,
): Promise<{ classPath: string } | { skip: string }> {
  const java = await javaVersion();
  if (java === null) return { skip: 'no `java` on the path' };
  if (java < OLDEST_JAVA) return { skip: `Java ${java} is older than ${OLDEST_JAVA}` };
  const pom = await readFile(join(RESOURCES, 'pom.xml'));
  const hash = createHash('sha256').update(pom).digest('hex').slice(0, 16);
  const name = version === undefined ? hash : `${hash}-${version}`;
  const folder = join(await cacheFolder(), name);
  for (let attempt = 1; ; attempt++) {
    if (await exists(folder)) return { classPath: join(folder, '*') };
    const problem = await copyJars(folder, version);
    // Two processes at once may disturb each other's downloads: the second try finds them whole.
    if (problem !== null && attempt === 2) return { skip: problem };
  }
}

async function javaVersion(): Promise<number | null> {
  try {
    const { stderr } = await run('java', ['-version']);
    const version = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1];
    return version === undefined ? null : Number(version);
  } catch {
    return null;
  }
}

async function cacheFolder(): Promise<string> {
  const modules = join(PROJECT, 'node_modules');
  try {
    await access(modules, constants.W_OK);
    return join(modules, '.cache', 'sealstream-kafka');
  } catch {
    return join(tmpdir(), `sealstream-kafka-${userInfo().uid}`);
  }
}

/** Copies into a folder of its own and renames it at the end, so that `folder` is whole or absent. */
async function copyJars(folder: string, version?: string): Promise<string | null> {
  const part = `${folder}.${randomUUID()}.part`;
  await mkdir(part, { recursive: true });
  try {
    const goal = 'dependency:copy-dependencies';
    const options = [`-DoutputDirectory=${part}`, '-DincludeScope=runtime'];
    if (version !== undefined) options.push(`-Dkafka.version=${version}`);
    await run('mvn', ['-q', '-B', '-f', join(RESOURCES, 'pom.xml'), goal, ...options]);
    const copied = await readdir(part);
    if (!copied.some((jar) => jar.startsWith('kafka_'))) return 'Maven copied no Kafka jar';
    await rename(part, folder);
    return null;
  } catch (error) {
    if (await exists(folder)) return null;
    return mavenProblem(error);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

function mavenProblem(error: unknown): string {
  if (!(error instanceof Error)) return `Maven failed: ${String(error)}`;
  if ('code' in error && error.code === 'ENOENT') return 'no `mvn` on the path';
  const output = 'stdout' in error ? String(error.stdout) : '';
  const line = output.split('\n').find((text) => text.includes('ERROR')) ?? error.message;
  return `Maven could not bring Kafka's jars: ${line.split('\n')[0] ?? ''}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
