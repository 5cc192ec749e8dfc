import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { AwsDouble, PREFIX } from './aws-double.ts'
import { bundleBuilder, makeMachine } from './machine.ts'
import { publish } from './published-cache.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-bridge-'))
const aws = new AwsDouble()
const key = generateSecretKey('test-cache-1')

beforeAll(async () => aws.start())
afterAll(async () => {
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Makes a path with Nix itself, and publishes Nix's own binary cache of it. @returns the path */
async function publishGreeting(): Promise<string> {
  const file = join(folder, 'greeting')
  const cache = join(folder, 'cache')
  writeFileSync(file, 'hello from the cache\n')
  const script = `
    path=$(nix-store --add "$0")
    nix copy --to "file://$1?compression=zstd" $path 2>/dev/null
    for f in $(cd "$1" && find . -type f); do echo "$f $(base64 -w0 "$1/$f")"; done >&2
    echo $path`
  const { stdout, stderr } = await makeMachine(join(folder, 'author')).run([
    'bash',
    '-c',
    script,
    file,
    cache,
  ])
  for (const line of stderr.trim().split('\n')) {
    const [name = '', content = ''] = line.split(' ')
    aws.objects.set(`staging/${PREFIX}${name.slice(2)}`, {
      bytes: Buffer.from(content, 'base64'),
      type: undefined,
      encoding: undefined,
    })
  }
  publish(aws, key)
  return stdout.trim()
}

test('a laptop reads the cache through the bridge command, until it is stopped', async () => {
  const path = await publishGreeting()
  const builder = await bundleBuilder(folder)
  const bridge = spawn(process.execPath, [builder, 'bridge', '--port', '0'], {
    env: { PATH: process.env['PATH'], ...aws.environment() },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first] = (await once(bridge.stdout, 'data')) as [Buffer]
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(first.toString())?.[0] ?? ''
  const laptop = makeMachine(join(folder, 'laptop'))
  const publicKey = formatPublicKey(publicKeyOf(key))
  const fetch = ['--option', 'substituters', url, '--option', 'trusted-public-keys', publicKey]
  const ran = await laptop.run([
    'bash',
    '-c',
    'nix-store "$@" && cat $(nix-store -r "$0" 2>/dev/null)',
    path,
    '-r',
    path,
    ...fetch,
  ])
  bridge.kill('SIGTERM')
  const [status] = (await once(bridge, 'close')) as [number | null]
  expect(ran.stderr).toContain(`copying path '${path}' from '${url}'`)
  expect(ran.stdout).toContain('hello from the cache')
  expect(status).toBe(0)
})
