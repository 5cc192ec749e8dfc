import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deliver } from '../../../local/demo/push.ts'
import type { EndedRun } from '../../../local/demo/run.ts'
import { signDelivery } from '../../../local/github/push-webhook.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'
import { findLeaks, type Leak, type PlantedSecret } from './planted-secrets.ts'

/**
 * Runs with real secrets of every kind, sound and broken ones, and a build that prints all that it can see. Afterwards every file of the system is looked through:
 * logs, histories of executions, objects of all buckets, and the stores of the machines.
 */

const FLAKE = (word: string): string => `{
  outputs = { self }: {
    devShells = builtins.listToAttrs (map (system: { name = system; value =
      let
        packages = import ./packages.nix { inherit system; };
        inherit (packages) mkShell tools;
        snoop = derivation {
          name = "snoop-${word}";
          inherit system;
          builder = "\${tools}/bin/bash";
          args = [ "-c" ''
            export PATH=\${tools}/bin
            mkdir $out
            env | tee $out/environment
            for file in /proc/*/environ /proc/*/cmdline /root/.netrc /etc/nix/*; do cat $file; done 2>/dev/null | tee $out/seen
          '' ];
        };
      in {
        curious = mkShell { name = "curious"; packages = [ snoop ]; };
        broken = throw "these are all variables that I see: \${builtins.getEnv "NIX_CONFIG"} \${builtins.getEnv "NIX_USER_CONF_FILES"}";
      };
    }) [ "x86_64-linux" "aarch64-linux" ]);
  };
}`

let company: TestCompany
let runs: EndedRun[]
/** bodies of deliveries that somebody signed wrongly: what their signatures should have been is a secret */
const forged = ['{"zen":"It is a forgery."}', JSON.stringify({ ref: 'refs/heads/main' })]

beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
  const { world } = company
  const first = await company.push('flake.nix', FLAKE('first'))
  // what was cached is refused from here on, and must be asked for anew
  world.github.expireTokens()
  const second = await company.push('flake.nix', FLAKE('second'))
  const unreadable = await company.startByHand('hand-unreadable', {
    repository: 'acme/shells',
    ref: 'no-such',
  })
  runs = [first, second, unreadable]
  for (const body of forged) {
    const { headers } = await signDelivery('push', body, randomBytes(20).toString('hex'))
    expect((await deliver(world, { headers, body })).status).toBe(401)
  }
  const malformed = await signDelivery('push', '{"ref": 1}', world.webhookSecret)
  expect((await deliver(world, malformed)).status).toBe(400)
})
afterAll(async () => {
  await company.close()
})

/** Looks everywhere but where the secrets are kept, and where GitHub and the developer have theirs. */
function leaksOf(secrets: PlantedSecret[]): Leak[] {
  const { folder } = company.world
  return findLeaks([join(folder, 'aws'), join(folder, 'machines')], secrets, [
    join(folder, 'aws', 'secrets.json'),
    join(folder, 'machines', 'laptop'),
  ])
}

test('both pushes were evaluated with a token, built and published, and the broken shell was reported', () => {
  expect(runs.map(({ summary }) => summary.verdict)).toEqual(['done', 'done', 'failed'])
  expect(company.world.github.issuedTokens().length).toBeGreaterThan(3)
  expect(runs[1]?.summary.shells.map(({ status }) => status)).toContain('failed')
})

test('what is looked through has everything that Hearth leaves behind', () => {
  const [run = { run: '' }] = runs
  const places = new Set(
    leaksOf([
      { name: 'run', text: run.run },
      { name: 'package', text: 'snoop-first' },
    ]).map(({ secret, file }) => `${secret} in ${file.split('/').slice(0, 2).join('/')}`),
  )
  expect([...places]).toEqual(
    expect.arrayContaining([
      'run in logs/aws',
      'package in logs/hearth',
      'run in states/executions',
      'run in s3/bodies',
      'package in s3/bodies',
      'package in evaluator/nix',
      'package in x86_64-linux/nix',
    ]),
  )
})

test('no secret, no token and no expected signature is anywhere', () => {
  const { world } = company
  const { keys } = signingKeys()
  const secrets: PlantedSecret[] = [
    { name: 'the webhook’s secret', text: world.webhookSecret },
    ...appKeyLines(world.appKey),
    ...keys.map((key) => ({ name: 'a signing key', text: key.slice(key.indexOf(':') + 1, -2) })),
    ...world.github.issuedTokens().flatMap((token, index) => [
      { name: `token ${index}`, text: token },
      {
        name: `token ${index} as git says it`,
        text: Buffer.from(`x-access-token:${token}`).toString('base64'),
      },
    ]),
    ...forged.map((body) => ({
      name: 'the signature that a forged delivery should have had',
      text: createHmac('sha256', world.webhookSecret).update(body).digest('hex'),
    })),
  ]
  expect(secrets.length).toBeGreaterThan(20)
  expect(leaksOf(secrets)).toEqual([])
})

/** Each line is a secret: a log may break lines, or have them in another form. */
function appKeyLines(pem: string): PlantedSecret[] {
  const lines = pem.split('\n').filter((line) => line.length === 64)
  return lines.map((text, index) => ({ name: `line ${index} of the App’s key`, text }))
}

/** Nobody but Publish can ask for it, so it is read from where the local Secrets Manager keeps it. */
function signingKeys(): { keys: string[] } {
  const file = join(company.world.folder, 'aws', 'secrets.json')
  const secrets = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string
    versions: { value: { SecretString: string } }[]
  }[]
  const text = secrets.find(({ name }) => name.endsWith('/signing-key'))?.versions[0]?.value.SecretString
  return JSON.parse(text ?? '{"keys": []}') as { keys: string[] }
}
