import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { SealstreamError } from '../ledger/error.js';
import { generateKeyPair } from '../ledger/keys.js';
import { MAX_ORIGIN_LENGTH } from '../ledger/origin.js';
import { parseConfiguration } from '../policy/file/parse.js';
import { wholeNumber } from './arguments.js';
import { EXIT } from './exit.js';
import { printLine, toJson } from './output.js';

interface InitOptions {
  readonly ledger: string;
  readonly stream: string;
  readonly topic: string;
  readonly partitions: number;
  readonly replication?: number;
  readonly config?: string;
  readonly json?: boolean;
}

const KAFKA_REPLICATION = 3;

const CONFIGURATION = '.configuration';
const LONGEST_TOPIC = 200;
/** Of an origin: what follows the topic's name (topic id, partition 0), and one slash before it. */
const ORIGIN_REST = '//'.length + 22 + '/0'.length;

/** `<topic>.configuration`; of a long topic only the beginning, so that the log has an origin too. */
function configurationName(ledger: string, topic: string): string {
  const longest = Math.min(LONGEST_TOPIC, MAX_ORIGIN_LENGTH - ledger.length - ORIGIN_REST);
  const room = Math.max(1, longest - CONFIGURATION.length);
  const name = `${topic.slice(0, room)}${CONFIGURATION}`;
  return name === topic ? `${topic.slice(0, room - 1)}${CONFIGURATION}` : name;
}

/** The text of a new ledger.yaml; checked by the parser that will read it. */
function newConfiguration(options: InitOptions): string {
  const embedded = options.stream.startsWith('file:');
  if (embedded && options.replication !== undefined) {
    throw new SealstreamError('usage', '--replication: only for a kafka:// stream');
  }
  const topic = {
    name: options.topic,
    partitions: options.partitions,
    ...(embedded ? {} : { replication: options.replication ?? KAFKA_REPLICATION }),
  };
  const head = stringify({ version: 1, ledger: options.ledger, stream: options.stream });
  const topics = stringify({ topics: [topic] });
  const text = [
    '# The ledger as code: review changes to this file as you review code.',
    head.trimEnd(),
    topics.trimEnd(),
    'configuration: # where `apply` records this file; sealed like every other topic',
    `  topic: ${configurationName(options.ledger, options.topic)}`,
    'seal: # only where one seals; keep the key and the memory away from the stream',
    '  key: keys/sealer.pem',
    '  memory: ./memory',
    '  every: 10s',
    '  records: 100000',
    '  heartbeat: 10m',
    'verify:',
    '  publicKey: keys/sealer.pub.pem',
    '  maxAge: 15m',
    '',
  ].join('\n');
  parseConfiguration(text, 'ledger.yaml (from the options of init)');
  return text;
}

async function init(given: string | undefined, options: InitOptions): Promise<number> {
  if (given !== undefined && options.config !== undefined) {
    throw new SealstreamError(
      'usage',
      'DIR and --config: give one of them; keys go beside the file',
    );
  }
  const configuration = options.config ?? join(given ?? '.', 'ledger.yaml');
  // Paths in ledger.yaml are relative to it.
  const directory = dirname(configuration);
  const files = {
    configuration,
    privateKey: join(directory, 'keys', 'sealer.pem'),
    publicKey: join(directory, 'keys', 'sealer.pub.pem'),
  };
  const text = newConfiguration(options);
  for (const file of Object.values(files)) {
    if (existsSync(file)) {
      throw new SealstreamError('usage', `${file} is there already; init overwrites nothing`);
    }
  }
  const { privatePem, publicPem } = generateKeyPair();
  try {
    await mkdir(join(directory, 'keys'), { recursive: true, mode: 0o700 });
    await writeFile(files.privateKey, privatePem, { flag: 'wx', mode: 0o600 });
    await writeFile(files.publicKey, publicPem, { flag: 'wx' });
    await writeFile(files.configuration, text, { flag: 'wx' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('usage', `DIR ${directory}: cannot be written: ${reason}`, {
      cause: error,
    });
  }
  if (options.json === true) {
    await printLine(toJson({ ledger: options.ledger, stream: options.stream, ...files }));
    return EXIT.done;
  }
  const show = (file: string) => relative(process.cwd(), resolve(file)) || file;
  await printLine(`${show(files.configuration)}  the ledger as code; review it`);
  await printLine(
    `${show(files.privateKey)}  signs checkpoints; keep it where only the sealer reads`,
  );
  await printLine(`${show(files.publicKey)}  give it to everyone who verifies`);
  await printLine('Next: sealstream apply');
  return EXIT.done;
}

export function registerInit(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('init')
    .description('write ledger.yaml and a new key pair; overwrites nothing')
    .argument('[DIR]', 'where to write them (default: here)')
    .requiredOption('--ledger <name>', 'name of the ledger: a URL you control, without scheme')
    .option('--stream <url>', 'file:PATH, or kafka://HOST:PORT[,HOST:PORT…]', 'file:./data')
    .option('--topic <topic>', 'the audit topic', 'audit')
    .option('--partitions <n>', 'its partitions', wholeNumber('--partitions', 1, 10_000), 3)
    .option('--replication <n>', 'copies on Kafka (default 3)', wholeNumber('--replication', 1, 32))
    .option('--config <file>', 'write this file, and keys/ beside it, instead of DIR/ledger.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sealstream init --ledger audit.example.com/payments\n' +
        '  sealstream init prod --ledger audit.example.com/payments --stream kafka://k1:9092,k2:9092',
    )
    .action((directory: string | undefined, options: InitOptions) => run(init(directory, options)));
}
