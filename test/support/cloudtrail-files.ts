import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PROJECT } from './kafka/jars.js';

/** The folder with real CloudTrail files; the repository carries only small made ones. */
const FOLDER_VARIABLE = 'SEALSTREAM_CLOUDTRAIL';
/** `1`: real files must be there. */
const REQUIRE_VARIABLE = 'SEALSTREAM_REQUIRE_CLOUDTRAIL';

export interface CloudTrailFiles {
  /** For a test's name. */
  readonly kind: 'real' | 'made';
  readonly paths: readonly string[];
}

/** Throws where real files are required and absent. */
export async function cloudTrailFiles(): Promise<CloudTrailFiles> {
  const given = process.env[FOLDER_VARIABLE];
  const folder =
    given === undefined || given === ''
      ? join(PROJECT, '..', 'shared', 'data', 'cloudtrail')
      : given;
  if (existsSync(folder)) return { kind: 'real', paths: await jsonFiles(folder) };
  if (process.env[REQUIRE_VARIABLE] === '1' || (given !== undefined && given !== '')) {
    throw new Error(`no CloudTrail files at ${FOLDER_VARIABLE} (${folder})`);
  }
  const made = join(PROJECT, 'test', 'fixtures', 'cloudtrail');
  return { kind: 'made', paths: [join(made, 'mixed.json.gz')] };
}

async function jsonFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /\.json(\.gz)?$/.test(name)).sort();
  if (names.length === 0) throw new Error(`${folder} holds no CloudTrail file`);
  return names.map((name) => join(folder, name));
}

/** `{"Records": […]}` of a file, without any of our own code. */
export async function recordsOf(path: string): Promise<Readonly<Record<string, unknown>>[]> {
  const bytes = await readFile(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return (JSON.parse(text) as { Records: Readonly<Record<string, unknown>>[] }).Records;
}
