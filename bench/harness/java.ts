import { spawn } from 'node:child_process';
import { useOf } from './process-use.js';

/** As kafka-run-class.sh and kafka-producer-perf-test.sh start them. */
const VIRTUAL_MACHINE = ['-Xmx512M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
const LOOK_MS = 20;

export interface JavaRun {
  readonly stdout: string;
  /** Of the whole process, its start included; 0 where the system does not tell. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

export async function runJava(classPath: string, words: readonly string[]): Promise<JavaRun> {
  const child = spawn('java', [...VIRTUAL_MACHINE, '-cp', classPath, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let used = { cpuSeconds: 0, peakRssBytes: 0 };
  const looking = setInterval(() => {
    used = useOf(child.pid ?? 0) ?? used;
  }, LOOK_MS);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? -1));
  }).finally(() => clearInterval(looking));
  if (code !== 0) throw new Error(`java ended with ${code}: ${stderr}${stdout}`);
  return { stdout, ...used };
}
