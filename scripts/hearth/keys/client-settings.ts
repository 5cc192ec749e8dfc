/** What a client needs to use the cache. */
export interface ClientSettings {
  substituter: string
  /** of all keys that sign: a client trusts them all, so that no rotation finds it unprepared */
  publicKeys: string[]
}

/** How Nix itself reads the bucket. A laptop with the bridge has the bridge's URL in its place. */
export function substituterOf(cacheBucket: string, region: string): string {
  return `s3://${cacheBucket}?region=${region}`
}

/** For `/etc/nix/nix.conf`, or a user's own if the daemon trusts the user. */
export function nixConf({ substituter, publicKeys }: ClientSettings): string {
  return [`extra-substituters = ${substituter}`, `extra-trusted-public-keys = ${publicKeys.join(' ')}`].join(
    '\n',
  )
}

/** For a flake: whoever uses it is asked once whether to take these settings. */
export function nixConfig({ substituter, publicKeys }: ClientSettings): string {
  return [
    'nixConfig = {',
    `  extra-substituters = [ "${substituter}" ];`,
    `  extra-trusted-public-keys = [ ${publicKeys.map((key) => `"${key}"`).join(' ')} ];`,
    '};',
  ].join('\n')
}
