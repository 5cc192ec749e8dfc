import { describe, expect, test } from 'vitest'
import { InvalidAttribute } from '../../../nix/derivation-attributes.ts'
import type { Environment } from '../../../nix/environment.ts'
import {
  brokenRules,
  type OutputRules,
  type ReferenceRules,
  type ReferencingPath,
  referenceRulesOf,
} from '../../../nix/reference-rules.ts'
import { out } from '../functions/graphs.ts'

const variables = (env: Record<string, string>): { env: Environment } => ({
  env: new Map(Object.entries(env)),
})
const structured = (attributes: unknown) => variables({ __json: JSON.stringify(attributes) })
const OUTPUTS = ['out', 'dev']

describe('what a derivation says about the references of its outputs', () => {
  test.each<[string, { env: Environment }, ReferenceRules | undefined]>([
    ['nothing', variables({ name: 'x' }), undefined],
    ['nothing, with structured attributes', structured({ name: 'x' }), undefined],
    [
      'in variables, split at white space: for all outputs, which do not count among their own requisites',
      variables({ allowedReferences: ' out\n/nix/store/x  ', disallowedRequisites: 'dev' }),
      {
        out: { allowedReferences: ['out', '/nix/store/x'], disallowedRequisites: ['dev'], ignoreSelf: true },
        dev: { allowedReferences: ['out', '/nix/store/x'], disallowedRequisites: ['dev'], ignoreSelf: true },
      },
    ],
    [
      'an empty list, which allows nothing',
      variables({ allowedRequisites: '' }),
      { out: { allowedRequisites: [], ignoreSelf: true }, dev: { allowedRequisites: [], ignoreSelf: true } },
    ],
    [
      'in structured attributes, by output',
      structured({
        outputChecks: { dev: { disallowedReferences: ['out'], maxSize: 1000, maxClosureSize: 9000 } },
      }),
      { dev: { disallowedReferences: ['out'], maxSize: 1000, maxClosureSize: 9000 } },
    ],
    [
      'in structured attributes, of itself too',
      structured({ outputChecks: { out: { allowedRequisites: [], ignoreSelfRefs: true } } }),
      { out: { allowedRequisites: [], ignoreSelf: true } },
    ],
    ['for an output that it does not have', structured({ outputChecks: { doc: { maxSize: 1 } } }), undefined],
    ['variables beside structured attributes say nothing', structured({ allowedReferences: [] }), undefined],
    [
      'that the references of one output are discarded',
      structured({ unsafeDiscardReferences: { out: true, dev: false } }),
      { out: { discardReferences: true } },
    ],
    ['and a variable discards nothing', variables({ unsafeDiscardReferences: 'out' }), undefined],
  ])('%s', (_, drv, rules) => {
    expect(referenceRulesOf(drv, OUTPUTS)).toEqual(rules)
  })

  test.each<[unknown, string]>([
    [{ outputChecks: [] }, 'outputChecks of the derivation must be a set'],
    [{ outputChecks: { out: 'none' } }, 'outputChecks.out of the derivation must be a set'],
    [
      { outputChecks: { out: { allowedReferences: 'dev' } } },
      'outputChecks.out.allowedReferences of the derivation must be a list of strings',
    ],
    [
      { outputChecks: { out: { disallowedRequisites: [1] } } },
      'outputChecks.out.disallowedRequisites of the derivation must be a list of strings',
    ],
    [
      { outputChecks: { out: { maxSize: '1 MB' } } },
      'outputChecks.out.maxSize of the derivation must be a number of bytes',
    ],
    [{ unsafeDiscardReferences: true }, 'unsafeDiscardReferences of the derivation must be a set'],
    [
      { unsafeDiscardReferences: { out: 'yes' } },
      'unsafeDiscardReferences.out of the derivation must be a boolean',
    ],
  ])('%j is no such thing', (attributes, message) => {
    expect(() => referenceRulesOf(structured(attributes), OUTPUTS)).toThrow(new InvalidAttribute(message))
  })
})

describe('an output keeps the rules, or breaks them by name', () => {
  // out -> itself, dev, lib -> libc
  const known = new Map<ReturnType<typeof out>, ReferencingPath>([
    [out('a'), { references: [out('a'), out('a', 'dev'), out('lib')], narSize: 1000 }],
    [out('a', 'dev'), { references: [], narSize: 100 }],
    [out('lib'), { references: [out('libc')], narSize: 10 }],
    [out('libc'), { references: [out('libc')], narSize: 1 }],
  ])
  const outputs = { out: out('a'), dev: out('a', 'dev') }
  const [self, dev, lib, libc] = [out('a'), out('a', 'dev'), out('lib'), out('libc')]
  test.each<[OutputRules, string[]]>([
    [{}, []],
    [{ allowedReferences: ['out', 'dev', lib] }, []],
    [{ allowedReferences: [self, dev, lib] }, []],
    [{ allowedReferences: ['dev', lib] }, [`allowedReferences forbids ${self}`]],
    [{ allowedReferences: ['dev', lib], ignoreSelf: true }, [`allowedReferences forbids ${self}`]],
    [{ allowedReferences: [] }, [`allowedReferences forbids ${[self, dev, lib].toSorted().join(', ')}`]],
    [{ disallowedReferences: [libc] }, []],
    [{ disallowedReferences: [lib] }, [`disallowedReferences forbids ${lib}`]],
    [{ disallowedReferences: ['dev'] }, [`disallowedReferences forbids ${dev}`]],
    [{ disallowedReferences: [] }, []],
    [{ allowedRequisites: ['out', 'dev', lib, libc] }, []],
    [{ allowedRequisites: ['dev', lib, libc] }, [`allowedRequisites forbids ${self}`]],
    [{ allowedRequisites: ['dev', lib, libc], ignoreSelf: true }, []],
    [{ allowedRequisites: ['out', 'dev', lib] }, [`allowedRequisites forbids ${libc}`]],
    [{ disallowedRequisites: [libc] }, [`disallowedRequisites forbids ${libc}`]],
    [{ disallowedRequisites: [out('gcc')] }, []],
    [{ disallowedRequisites: ['out'], ignoreSelf: true }, []],
    [{ disallowedRequisites: ['out'] }, [`disallowedRequisites forbids ${self}`]],
    [{ maxSize: 1000 }, []],
    [{ maxSize: 999 }, ['maxSize allows 999 bytes, and it has 1000']],
    [{ maxClosureSize: 1111 }, []],
    [{ maxClosureSize: 1110 }, ['maxClosureSize allows 1110 bytes, and it has 1111']],
    [
      { disallowedReferences: ['doc', '/bin/sh', 'constructor'] },
      [
        'disallowedReferences names doc, /bin/sh, constructor: neither a store path nor an output of the derivation',
      ],
    ],
    [
      { disallowedReferences: [lib], maxSize: 1 },
      [`disallowedReferences forbids ${lib}`, 'maxSize allows 1 bytes, and it has 1000'],
    ],
  ])('%j', (rules, broken) => {
    expect(brokenRules(out('a'), rules, outputs, known)).toEqual(broken)
  })
})
