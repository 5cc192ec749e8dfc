import type { Upstream } from '../../functions/shared/contract.ts'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { options, portions } from '../machine/nix-command.ts'
import { eachLine, startProcess } from '../machine/processes.ts'

/** Where a batch's inputs may come from. */
export interface Caches {
  /** the bridge to our own cache */
  bridge: string
  /** the keys that our own cache signs with */
  publicKeys: string[]
  upstreams: Upstream[]
}

/**
 * Fetches store paths, each by its own path and only with a signature that is trusted here; nothing is built. What cannot be had is no error: the store says afterwards
 * what is there.
 * @returns what Nix began to copy, with what the paths refer to
 */
export async function substitute(
  paths: StorePath[],
  caches: Caches,
  environment: Record<string, string>,
  say: (line: string) => void,
): Promise<StorePath[]> {
  const copied: StorePath[] = []
  const settings = options({
    substituters: [caches.bridge, ...caches.upstreams.map(({ url }) => url)].join(' '),
    'trusted-public-keys': [
      ...caches.publicKeys,
      ...caches.upstreams.flatMap(({ publicKeys }) => publicKeys),
    ].join(' '),
    'require-sigs': 'true',
    'max-jobs': '0',
    builders: '',
    fallback: 'false',
    // What a cache had or had not a minute ago does not matter: Publish has been there since.
    'narinfo-cache-positive-ttl': '0',
    'narinfo-cache-negative-ttl': '0',
    // as many as the bridge's SDK opens to S3
    'http-connections': '50',
    'connect-timeout': '15',
  })
  for (const portion of portions(paths)) {
    const child = startProcess('nix-store', [...settings, '--realise', '--keep-going', ...portion], {
      environment,
    })
    await Promise.all([
      child.ended,
      eachLine(child.stdout, () => {}),
      eachLine(child.stderr, (line) => {
        const copy = /^copying path '([^']+)' from '([^']+)'/.exec(line)
        const [, path = '', cache = ''] = copy ?? []
        if (isStorePath(path)) {
          copied.push(path)
          say(`fetching ${path.slice(path.indexOf('-') + 1)} from ${cache}`)
        } else if (isComplaint(line)) say(line)
      }),
    ])
  }
  return copied
}

/** What else of Nix's standard error people want to see. The hint at --add-root concerns people at a terminal. */
function isComplaint(line: string): boolean {
  return /^(warning|error):/.test(line) && !line.includes('--add-root')
}
