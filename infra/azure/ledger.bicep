// The database of the ledger: a PostgreSQL in a subnet of its own, which only the network of the service reaches.

@description('An environment of infra/config/environments.json')
param environmentName string

@description('The Azure region')
param location string

@description('The tags of the database')
param tags object

@description('The id of the network of the service')
param networkId string

@description('The id of a subnet that is delegated to Microsoft.DBforPostgreSQL/flexibleServers')
param subnetId string

@description('The password of the database account, from the vault')
@secure()
param password string = ''

var names = loadJsonContent('names.json')
var size = loadJsonContent('../config/environments.json')[environmentName].azure.ledger
var suffix = uniqueString(resourceGroup().id)

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${names.service}.private.postgres.database.azure.com'
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: names.network
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2026-10-01' = {
  name: '${names.ledgerServerPrefix}${suffix}'
  location: location
  tags: tags
  sku: {
    name: size.instance_type
    tier: size.tier
  }
  properties: {
    version: '17'
    administratorLogin: names.ledgerDatabase
    administratorLoginPassword: password
    storage: {
      storageSizeGB: size.storage_gib
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: size.backup_days
      geoRedundantBackup: 'Disabled'
    }
    highAvailability: {
      mode: size.standby ? 'ZoneRedundant' : 'Disabled'
    }
    network: {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: zone.id
    }
  }
  dependsOn: [
    link
  ]
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2026-10-01' = {
  parent: server
  name: names.ledgerDatabase
  properties: {
    charset: 'UTF8'
    collation: 'C.UTF-8'
  }
}

output host string = server.properties.fullyQualifiedDomainName
