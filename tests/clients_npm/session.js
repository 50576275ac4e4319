// The npm package openwhisk, as its users call it. Does everything that clients do with actions and activations, against
// the controller that API_HOST and API_KEY name, and prints what it got as one JSON object.
'use strict'

const fs = require('fs')
const openwhisk = require(process.env.OPENWHISK_MODULE)

const client = openwhisk({ apihost: process.env.API_HOST, api_key: process.env.API_KEY, namespace: '_' })
const [source, archive] = process.argv.slice(2)

// The error of a call that must fail.
const errorOf = promise => promise.then(
  answer => { throw new Error(`it was answered: ${JSON.stringify(answer)}`) },
  error => ({ status: error.statusCode, message: error.message, body: error.error })
)

// An activation's record, once it is there.
async function ended (activationId) {
  for (let tries = 0; ; ++tries) {
    try {
      return await client.activations.get(activationId)
    } catch (error) {
      if (error.statusCode !== 404 || tries > 200) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

// Packages, triggers and rules; `action` is there already.
async function entities (seen, action) {
  const name = 'kit'
  seen.package = await client.packages.create({ name, package: { parameters: [{ key: 'greeting', value: 'hey' }] } })
  seen.packageExists = await errorOf(client.packages.create({ name }))
  seen.packages = await client.packages.list()
  await client.actions.create({ name: 'kit/inside', action: fs.readFileSync(source, 'utf8'), kind: 'python:3' })
  seen.packageWithAction = await client.packages.get({ name })
  seen.inPackage = await client.actions.invoke({ name: 'kit/inside', blocking: true, result: true })
  seen.packageNotEmpty = await errorOf(client.packages.delete({ name }))
  await client.actions.delete({ name: 'kit/inside' })
  seen.packageDeleted = await client.packages.delete({ name })

  const trigger = 'bell'
  seen.trigger = await client.triggers.create({ name: trigger })
  seen.triggers = await client.triggers.list()
  seen.rule = await client.rules.create({ name: 'on-bell', action, trigger })
  seen.rules = await client.rules.list()
  seen.fired = await client.triggers.invoke({ name: trigger, params: { name: 'the bell' } })
  seen.firedRecord = await ended(seen.fired.activationId)
  seen.startedByRule = await ended(JSON.parse(seen.firedRecord.logs[0].replace(/^[^{]*/, '')).activationId)
  await client.rules.disable({ name: 'on-bell' })
  seen.disabled = await client.rules.get({ name: 'on-bell' })
  await client.rules.enable({ name: 'on-bell' })
  seen.enabled = await client.rules.get({ name: 'on-bell' })
  seen.triggerWithRule = await client.triggers.get({ name: trigger })
  seen.ruleDeleted = await client.rules.delete({ name: 'on-bell' })
  seen.triggerDeleted = await client.triggers.delete({ name: trigger })
  seen.ruleGone = await errorOf(client.rules.get({ name: 'on-bell' }))
}

async function main () {
  const seen = {}
  const name = 'from-npm'
  const action = fs.readFileSync(source, 'utf8')
  seen.namespaces = await client.namespaces.list()
  seen.created = await client.actions.create({ name, action, kind: 'python:3', limits: { memory: 128 } })
  seen.existing = await errorOf(client.actions.create({ name, action, kind: 'python:3' }))
  seen.updated = await client.actions.update({ name, action, kind: 'python:default', params: { greeting: 'salut' } })
  seen.zipped = await client.actions.update({ name: 'zipped', action: fs.readFileSync(archive), kind: 'python:3' })
  seen.listed = await client.actions.list({ limit: 10 })
  seen.got = await client.actions.get(name)
  seen.result = await client.actions.invoke({ name, blocking: true, result: true, params: { name: 'npm' } })
  seen.zippedResult = await client.actions.invoke({ name: 'zipped', blocking: true, result: true })
  seen.blocking = await client.actions.invoke({ name, blocking: true })
  const { activationId } = await client.actions.invoke({ name, params: { name: 'later' } })
  seen.record = await ended(activationId)
  seen.logs = await client.activations.logs({ activationId })
  seen.activationResult = await client.activations.result({ activationId })
  seen.activations = await client.activations.list({ name, limit: 2 })
  seen.applicationError = await errorOf(client.actions.invoke({ name, blocking: true, params: { fail: true } }))
  seen.badParameters = await errorOf(client.actions.invoke({ name, blocking: true, params: [1] }))
  seen.nobody = await errorOf(client.actions.invoke({ name: 'nobody', blocking: true }))
  await entities(seen, name)
  seen.deleted = await client.actions.delete({ name })
  await client.actions.delete({ name: 'zipped' })
  seen.gone = await errorOf(client.actions.get(name))
  const stranger = openwhisk({ apihost: process.env.API_HOST, api_key: 'not:known' })
  seen.stranger = await errorOf(stranger.actions.list())
  console.log(JSON.stringify(seen))
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
