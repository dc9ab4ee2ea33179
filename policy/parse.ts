/** Reads ledger.yaml. Every refusal is one line: file:line:column, the field, what was expected. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { SealstreamError } from '../ledger/error.js';
import { MAX_ORIGIN_LENGTH } from '../ledger/origin.js';
import { type Configuration, configurationSchema } from './configuration.js';

const LONGEST_FILE = 256 * 1024;
const TOPIC_ID_LENGTH = 22;

type Path = readonly PropertyKey[];

/** topics[0].name, as a reader would write it. */
function fieldName(path: Path): string {
  let name = '';
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`;
    else name += name === '' ? String(step) : `.${String(step)}`;
  }
  return name;
}

/** Byte position in the text of the value at `path`, or of the closest parent that is there. */
function positionOf(document: Document, path: Path, unknownKey: string | null): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node: unknown =
      depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (unknownKey !== null && depth === path.length && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === unknownKey);
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    if (typeof node === 'object' && node !== null && 'range' in node) {
      const range = node.range;
      if (Array.isArray(range) && typeof range[0] === 'number') return range[0];
    }
  }
  return 0;
}

/** One line; the parser runs out of stack on thousands of nested lists, and says just that. */
function yamlMessage(message: string): string {
  if (message.startsWith('Maximum call stack')) return 'nested too deeply';
  return message.split('\n')[0] ?? 'not YAML';
}

/** An alias can stand for a tree of any size, so none is followed; of two equal keys one would win. */
function refuseTraps(document: Document, fail: (at: number, message: string) => never): void {
  visit(document, {
    Alias(_, node) {
      fail(node.range?.[0] ?? 0, `alias *${node.source}: aliases are not allowed; write it out`);
    },
    Node(_, node) {
      if ('anchor' in node && typeof node.anchor === 'string') {
        fail(node.range?.[0] ?? 0, `anchor &${node.anchor}: anchors are not allowed`);
      }
    },
    Map(_, node) {
      const seen = new Set<unknown>();
      for (const { key } of node.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) fail(key.range?.[0] ?? 0, `"${key.value}" is there twice`);
        seen.add(key.value);
      }
    },
    Pair(_, pair) {
      if (isPair(pair) && isScalar(pair.key) && pair.key.value === '<<') {
        fail(pair.key.range?.[0] ?? 0, 'merge keys are not allowed; write the fields out');
      }
    },
  });
}

function explain(issue: z.core.$ZodIssue): { message: string; unknownKey: string | null } {
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    return { message: `unknown field "${key}"`, unknownKey: key };
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return {
      message: `${issue.message.replace(/^Invalid input: /, '')} (it is missing)`,
      unknownKey: null,
    };
  }
  return { message: issue.message.replace(/^Invalid input: /, ''), unknownKey: null };
}

/**
 * The configuration that `text` holds. `file` names it in errors; nothing is read from disk.
 * Throws `configuration`, naming the first mistake in the file.
 */
export function parseConfiguration(text: string, file: string): Configuration {
  const lines = new LineCounter();
  const fail = (at: number, message: string): never => {
    const { line, col } = lines.linePos(at);
    throw new SealstreamError('configuration', `${file}:${line}:${col}: ${message}`);
  };
  if (text.length > LONGEST_FILE) fail(0, `the file is larger than ${LONGEST_FILE} bytes`);
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    // Its own check compares every key with every other: refuseTraps does it in one pass.
    uniqueKeys: false,
  });
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken !== undefined) fail(broken.pos[0], yamlMessage(broken.message));
  refuseTraps(document, fail);

  const parsed = configurationSchema.safeParse(document.toJS({ maxAliasCount: 0 }), {
    reportInput: true,
  });
  if (parsed.success) return checkTogether(parsed.data, document, fail);
  const mistakes = parsed.error.issues.map((issue) => {
    const { message, unknownKey } = explain(issue);
    const field = fieldName(issue.path);
    const at = positionOf(document, issue.path, unknownKey);
    const text = field === '' ? message : `${field}: ${message}`;
    return { at, message: text, isUnknownField: unknownKey !== null };
  });
  // A misspelt field is also a missing one; its own line says more.
  const misspelt = mistakes.filter(({ isUnknownField }) => isUnknownField);
  const first = (misspelt.length > 0 ? misspelt : mistakes).reduce((least, mistake) =>
    mistake.at < least.at ? mistake : least,
  );
  return fail(first.at, first.message);
}

/** What no field can say alone. */
function checkTogether(
  configuration: Configuration,
  document: Document,
  fail: (at: number, message: string) => never,
): Configuration {
  const embedded = configuration.stream.startsWith('file:');
  const at = (path: Path) => positionOf(document, path, null);
  if (embedded && configuration.kafka !== undefined) {
    fail(at(['kafka']), 'kafka: only for a kafka:// stream; this one is a file: stream');
  }
  const seen = new Set<string>();
  const { ledger } = configuration;
  for (const [index, topic] of configuration.topics.entries()) {
    if (seen.has(topic.name)) {
      fail(at(['topics', index, 'name']), `topics[${index}].name: "${topic.name}" is there twice`);
    }
    seen.add(topic.name);
    const longest = `${ledger}/${topic.name}//${topic.partitions - 1}`.length + TOPIC_ID_LENGTH;
    if (longest > MAX_ORIGIN_LENGTH) {
      const limit = `at most ${MAX_ORIGIN_LENGTH} characters with topic id and partition`;
      fail(at(['ledger']), `ledger: with topics[${index}].name it is too long: ${limit}`);
    }
    if (embedded && topic.replication !== undefined) {
      fail(
        at(['topics', index, 'replication']),
        `topics[${index}].replication: only for a kafka:// stream; this one is a file: stream`,
      );
    }
  }
  return configuration;
}

/** `file:` URLs and paths made absolute, relative to `base`. */
export function resolveStreamUrl(url: string, base: string): string {
  if (!url.startsWith('file:')) return url;
  const path = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '');
  return `file:${isAbsolute(path) ? path : resolve(base, path)}`;
}

function resolvePaths(configuration: Configuration, base: string): Configuration {
  const absolute = (path: string) => resolve(base, path);
  const { seal, verify, kafka } = configuration;
  const result: Configuration = {
    ...configuration,
    stream: resolveStreamUrl(configuration.stream, base),
  };
  if (seal !== undefined) {
    result.seal = { ...seal, key: absolute(seal.key), memory: absolute(seal.memory) };
  }
  if (verify?.publicKey !== undefined) {
    result.verify = { ...verify, publicKey: absolute(verify.publicKey) };
  }
  if (kafka !== undefined) result.kafka = resolveKafkaPaths(kafka, absolute);
  return result;
}

type Kafka = NonNullable<Configuration['kafka']>;

function resolveKafkaPaths(kafka: Kafka, absolute: (path: string) => string): Kafka {
  const result: Kafka = { ...kafka };
  if (typeof kafka.tls === 'object') {
    const { ca, cert, key } = kafka.tls;
    const tls: typeof kafka.tls = {};
    if (ca !== undefined) tls.ca = absolute(ca);
    if (cert !== undefined) tls.cert = absolute(cert);
    if (key !== undefined) tls.key = absolute(key);
    result.tls = tls;
  }
  if (kafka.sasl !== undefined) {
    const secret = (reference: string) =>
      reference.replace(/^file:(.+)$/, (_, path) => `file:${absolute(path)}`);
    const { username, password } = kafka.sasl;
    result.sasl = { ...kafka.sasl, username: secret(username), password: secret(password) };
  }
  return result;
}

/** Reads and checks the file; its paths come back absolute. Throws `configuration`. */
export async function loadConfiguration(file: string): Promise<Configuration> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > LONGEST_FILE) {
      throw new SealstreamError(
        'configuration',
        `${file}: the file has ${size} bytes; at most ${LONGEST_FILE} are read`,
      );
    }
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof SealstreamError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError(
      'configuration',
      `${file}: cannot be read (${reason}); \`sealstream init\` makes one, --config names another`,
      { cause: error },
    );
  }
  return resolvePaths(parseConfiguration(text, file), dirname(resolve(file)));
}
