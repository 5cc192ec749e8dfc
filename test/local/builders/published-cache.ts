import { parseNarInfo, fingerprint, formatNarInfo } from '../../../nix/narinfo.ts'
import { type SecretKey, sign } from '../../../nix/signature.ts'
import type { AwsDouble } from './aws-double.ts'

/** Signs every narinfo that a build staged and puts it, with its NAR, into the cache bucket: what Publish does, without its checks. */
export function publish(aws: AwsDouble, key: SecretKey): void {
  aws.put('cache/nix-cache-info', 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n')
  for (const name of aws.stagedNames()) {
    if (name.startsWith('nar/')) aws.put(`cache/${name}`, aws.staged(name))
    if (!name.endsWith('.narinfo')) continue
    const info = parseNarInfo(aws.staged(name).toString())
    const signatures = [sign(fingerprint(info), key)]
    aws.put(`cache/${name}`, formatNarInfo({ ...info, signatures }))
  }
}
