import { type DemoMachine, makeMachine } from './machine.ts'

/** The caches that a client uses, and whose signatures it takes. */
export interface ClientCaches {
  /** URL under which it sees our cache */
  bridge: string
  ourKeys: string[]
  upstream: { url: string; publicKey: string }
}

/**
 * Makes a machine with an empty /nix that downloads as a developer's does: signatures are required.
 * @param settings of Nix beside these
 * @param root of a Linux whose Nix it has, instead of this machine's
 */
export function makeClient(
  folder: string,
  name: string,
  { bridge, ourKeys, upstream }: ClientCaches,
  settings: Record<string, string> = {},
  root?: string,
): Promise<DemoMachine> {
  const caches = {
    substituters: `${bridge} ${upstream.url}`,
    'trusted-public-keys': [...ourKeys, upstream.publicKey].join(' '),
    // what Hearth recommends: a path that is published after a miss is seen at once
    'narinfo-cache-negative-ttl': '0',
  }
  return makeMachine(folder, name, { ...caches, ...settings }, root)
}
