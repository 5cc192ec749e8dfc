import { HearthError } from '../../shared/errors.ts'

export class InvalidKeyName extends HearthError {
  override name = 'InvalidKeyName'
}

/**
 * The name of a deployment's first key: the one that is asked for, or by Nix's custom the deployment's own with `-1`.
 * @param past names that keys had before: a name stands for one key for ever
 * @throws InvalidKeyName for what could not stand in nix.conf, in a narinfo or in a Nix string as it is
 */
export function firstKeyName(deployment: string, wanted?: string, past: string[] = []): string {
  const name = wanted ?? `${deployment}-1`
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw new InvalidKeyName(
      `${JSON.stringify(name.slice(0, 100))} cannot name a key: at most 100 letters, digits, dots, hyphens and underscores, such as cache.example.org-1`,
    )
  if (past.includes(name))
    throw new InvalidKeyName(`${name} was the name of another key: take one that no key ever had`)
  return name
}

/**
 * The name of the key that follows: the newest key's with its number plus one, or the next that no key ever had.
 * @param names of all keys, those of the past too, oldest first
 */
export function nextKeyName(names: string[]): string {
  const newest = names.at(-1) ?? ''
  const base = newest.replace(/-\d+$/, '')
  const numbers = names
    .filter((name) => name.replace(/-\d+$/, '') === base)
    .map((name) => Number(/-(\d+)$/.exec(name)?.[1] ?? 1))
  return `${base}-${Math.max(...numbers) + 1}`
}
