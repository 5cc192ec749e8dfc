#!/usr/bin/env node
// The command `hearth`. Plain JavaScript, so that an old Node gets a sentence and not a syntax error.
import './check-node.mjs'

await import('./hearth.ts')
