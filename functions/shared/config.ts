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
export function currentConfig(state: Bucket): Promise<StoredConfig> {
  return readJson<StoredConfig>(state, stateKeys.currentConfig)
}

/** Whether a full ref (`refs/heads/main`) is one of the branches that hearth.yml names for the repository. */
export function isConfiguredRef(repository: RepositoryConfig, ref: string): boolean {
  if (!ref.startsWith('refs/heads/')) return false
  const branch = ref.slice('refs/heads/'.length)
  return repository.refs.some((pattern) => matches(branch, pattern))
}

/** `*` stands for anything but a slash, `**` for slashes too, as GitHub reads branch patterns; nothing else has a meaning of its own. */
function matches(branch: string, pattern: string): boolean {
  const literally = pattern.replaceAll(/[^\w*]/g, '\\$&')
  const expression = literally.replaceAll(/\*+/g, (stars) => (stars === '*' ? '[^/]*' : '.*'))
  return new RegExp(`^${expression}$`, 's').test(branch)
}
