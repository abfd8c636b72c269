// The prerequisites of the service, which outlive it: registry, vault, log workspace, identity, and the recipients of
// alerts.

@description('An environment of infra/config/environments.json')
param environmentName string

@description('The Azure region')
param location string = resourceGroup().location

@description('Keys that clients send as X-API-Key, separated by commas; empty keeps those in the vault')
@secure()
param apiKeys string = ''

@description('Key of an Azure ML endpoint, if the service needs one; empty keeps the one in the vault')
@secure()
param modelKey string = ''

@description('Password of the database of the ledger, if there is one; empty keeps the one in the vault')
@secure()
param ledgerPassword string = ''

@description('The secret with which the ledger hashes ids of leads; empty keeps the one in the vault, which must never change')
@secure()
param ledgerKey string = ''

@description('An email address for alarms; empty sends none')
param alarmEmail string = ''

@description('The object id of a user or a service principal that may read and write the secrets, besides the service')
param operatorId string = deployer().objectId

var names = loadJsonContent('names.json')
var roles = loadJsonContent('roles.json')
var size = loadJsonContent('../config/environments.json')[environmentName]
var suffix = uniqueString(resourceGroup().id)
var tags = {
  service: names.service
  environment: environmentName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.identity
  location: location
  tags: tags
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: '${names.registryPrefix}${suffix}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    publicNetworkAccess: 'Enabled'
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' = {
  name: '${names.vaultPrefix}${suffix}'
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    // A deployment hands the password of the ledger on to the database.
    enabledForTemplateDeployment: true
    publicNetworkAccess: 'Enabled'
  }
}

resource keys 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(apiKeys)) {
  parent: vault
  name: names.apiKeys
  tags: tags
  properties: {
    value: apiKeys
    contentType: 'text/plain'
  }
}

resource keyOfModel 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(modelKey)) {
  parent: vault
  name: names.modelKey
  tags: tags
  properties: {
    value: modelKey
    contentType: 'text/plain'
  }
}

resource passwordOfLedger 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(ledgerPassword)) {
  parent: vault
  name: names.ledgerPassword
  tags: tags
  properties: {
    value: ledgerPassword
    contentType: 'text/plain'
  }
}

resource keyOfLedger 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(ledgerKey)) {
  parent: vault
  name: names.ledgerKey
  tags: tags
  properties: {
    value: ledgerKey
    contentType: 'text/plain'
  }
}

// Azure supports 30 to 730 days; the first 31 are free.
resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: names.workspace
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: max(30, min(730, size.log_retention_days))
    features: {
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: names.actionGroup
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'leadscoring'
    enabled: true
    emailReceivers: empty(alarmEmail) ? [] : [
      {
        name: 'on-call'
        emailAddress: alarmEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource mayPull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, identity.id, roles.acrPull)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource mayReadSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, identity.id, roles.keyVaultSecretsUser)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource mayRotateKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorId)) {
  scope: vault
  name: guid(vault.id, operatorId, roles.keyVaultSecretsOfficer)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
    principalId: operatorId
  }
}

resource vaultRead 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'who-read-it'
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

resource registryUsed 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: registry
  name: 'who-used-it'
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

output registryName string = registry.name
output registryServer string = registry.properties.loginServer
output vaultName string = vault.name
