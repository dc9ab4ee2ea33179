/** Reads ledger.yaml. Every refusal is one line: file:line:column, the field, what was expected. */
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { SealstreamError } from '../../ledger/error.js';
import { canonicalText, configurationHash } from './canonical.js';
import { checkTogether, fillDefaults } from './checks.js';
import { type Configuration, configurationSchema } from './configuration.js';
import { resolvePaths } from './paths.js';
import { readSmallFile } from './small-file.js';
import { type Path, type Place, type Places, parseYaml } from './yaml.js';

/** A configuration with what names it, and where its fields stand in the file. */
export interface Declared {
  /** Its name, as it was given. */
  readonly file: string;
  readonly configuration: Configuration;
  /** Canonical text: see canonical.ts. */
  readonly text: string;
  /** Of that text, 44 characters base64. */
  readonly hash: string;
  readonly places: Places;
}

/** topics[0].name, as a reader would write it. */
export function fieldName(path: Path): string {
  let name = '';
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`;
    else name += name === '' ? String(step) : `.${String(step)}`;
  }
  return name;
}

interface Mistake {
  readonly path: Path;
  readonly message: string;
  /** A field that is there and has no meaning; null: the value at the path is wrong. */
  readonly unknownKey: string | null;
}

/** What is wrong, in the alternative that the value comes closest to. */
function mistakesOf(issue: z.core.$ZodIssue, parent: Path): Mistake[] {
  const path = [...parent, ...issue.path];
  const message = issue.message.replace(/^Invalid input: /, '');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path, message: 'unknown field', unknownKey: key }));
  }
  if (issue.code === 'invalid_union') {
    const closest = issue.errors.find((errors) =>
      errors.every((error) => error.path.length > 0 || error.code === 'unrecognized_keys'),
    );
    if (closest !== undefined) return closest.flatMap((error) => mistakesOf(error, path));
  }
  if (issue.code === 'invalid_key') {
    const [reason] = issue.issues;
    return [{ path, message: reason?.message ?? message, unknownKey: null }];
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return [{ path, message: `${message} (it is missing)`, unknownKey: null }];
  }
  return [{ path, message, unknownKey: null }];
}

function isBefore(a: Place, b: Place): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}

/**
 * What `text` declares, its paths as they are written. `file` names it in errors; nothing is read
 * from disk. Throws `configuration`, naming the first mistake in the file.
 */
export function parseDeclared(text: string, file: string): Declared {
  const source = parseYaml(text, file);
  const parsed = configurationSchema.safeParse(source.data, { reportInput: true });
  if (parsed.success) {
    checkTogether(parsed.data, source);
    const configuration = fillDefaults(parsed.data);
    const canonical = canonicalText(configuration);
    const hash = configurationHash(canonical);
    return { file, configuration, text: canonical, hash, places: source };
  }
  const mistakes = parsed.error.issues
    .flatMap((issue) => mistakesOf(issue, []))
    .map((mistake) => {
      const { path, unknownKey } = mistake;
      const place = unknownKey === null ? source.of(path) : source.ofKey(path, unknownKey);
      return { ...mistake, place };
    });
  // A misspelt field is also a missing one; its own line says more.
  const misspelt = mistakes.filter(({ unknownKey }) => unknownKey !== null);
  const { place, path, message, unknownKey } = (misspelt.length > 0 ? misspelt : mistakes).reduce(
    (least, mistake) => (isBefore(mistake.place, least.place) ? mistake : least),
  );
  const field = fieldName(path);
  const named = isShown(source.data, path, unknownKey) ? `${message} "${unknownKey}"` : message;
  return source.fail(place, field === '' ? named : `${field}: ${named}`);
}

/** A secret whose quotes or indentation went wrong may end up as a field of `kafka:`, or beside it. */
function isShown(data: unknown, [top]: Path, unknownKey: string | null): unknownKey is string {
  if (unknownKey === null || !/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(unknownKey)) return false;
  if (top !== undefined) return top !== 'kafka';
  return typeof data === 'object' && data !== null && !Object.hasOwn(data, 'kafka');
}

/** file:line:column of a field, for messages. */
export function placeName({ file, places }: Pick<Declared, 'file' | 'places'>, path: Path): string {
  const { line, column } = places.of(path);
  return `${file}:${line}:${column}`;
}

/** The configuration alone; see parseDeclared. */
export function parseConfiguration(text: string, file: string): Configuration {
  return parseDeclared(text, file).configuration;
}

/** Reads and checks the file; paths stay as they are written. Throws `configuration`. */
export async function readDeclared(file: string): Promise<Declared> {
  return parseDeclared(await readText(file), file);
}

/** Reads and checks the file; the configuration's paths come back absolute. Throws `configuration`. */
export async function loadDeclared(file: string): Promise<Declared> {
  const declared = await readDeclared(file);
  const configuration = resolvePaths(declared.configuration, dirname(resolve(file)));
  return { ...declared, configuration };
}

/** The configuration alone; see loadDeclared. */
export async function loadConfiguration(file: string): Promise<Configuration> {
  return (await loadDeclared(file)).configuration;
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readSmallFile(file);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof SealstreamError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError(
      'configuration',
      `${file}: cannot be read (${reason}); \`sealstream init\` makes one, --config names another`,
      { cause: error },
    );
  }
}
