import { createHash } from 'node:crypto'
import { stateKeys } from './keys.ts'
import { type Bucket, readJson } from './objects.ts'
// Only its types: parsing YAML would put 115 kB into every function that reads a stored configuration.
import type { Config, RepositoryConfig } from './parse-config.ts'

/** A configuration as it is stored: named by the SHA-256 of its text, so that a run can pin the version it uses. */
export interface StoredConfig {
  version: 1
  sha256: string
  config: Config
}

export function storedConfig(config: Config): StoredConfig {
  return { version: 1, sha256: createHash('sha256').update(JSON.stringify(config)).digest('hex'), config }
}

/** @throws ObjectNotFound when no configuration was ever pushed */
export async function currentConfig(state: Bucket): Promise<StoredConfig> {
  const stored = await readJson<StoredConfig>(state, stateKeys.currentConfig)
  const repositories = stored.config.repositories.map((repository) => ({ ...DEFAULTS, ...repository }))
  return { ...stored, config: { ...stored.config, repositories } }
}

/** Of what a configuration lacks that was stored by an earlier version: those of `parse-config.ts`. */
const DEFAULTS = {
  tags: [],
  schedule: 'weekly',
  privateInputs: [],
} as const satisfies Partial<RepositoryConfig>

/** What hearth.yml says of a repository, whose name GitHub may write in capitals or not: it takes both for the same. */
export function findRepository({ repositories }: Config, repository: string): RepositoryConfig | undefined {
  return repositories.find(({ name }) => name.toLowerCase() === repository.toLowerCase())
}

/** Whether a full ref (`refs/heads/main`, `refs/tags/v1`) is one of the branches or tags that hearth.yml names for the repository. */
export function isConfiguredRef(
  { refs, tags }: Pick<RepositoryConfig, 'refs' | 'tags'>,
  ref: string,
): boolean {
  const isOneOf = (patterns: string[], prefix: string): boolean =>
    ref.startsWith(prefix) && patterns.some((pattern) => matches(ref.slice(prefix.length), pattern))
  return isOneOf(refs, 'refs/heads/') || isOneOf(tags, 'refs/tags/')
}

/** `*` stands for anything but a slash, `**` for slashes too, as GitHub reads branch patterns; nothing else has a meaning of its own. */
function matches(name: string, pattern: string): boolean {
  const literally = pattern.replaceAll(/[^\w*]/g, '\\$&')
  const expression = literally.replaceAll(/\*+/g, (stars) => (stars === '*' ? '[^/]*' : '.*'))
  return new RegExp(`^${expression}$`, 's').test(name)
}
