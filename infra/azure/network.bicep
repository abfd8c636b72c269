// The network of the Container Apps environment: one subnet, which Azure requires to spread replicas over zones, and one
// for the database of the ledger.

@description('The Azure region')
param location string

@description('The tags of the network')
param tags object

var names = loadJsonContent('names.json')

// The subnet is inline: an update of a network without its subnets would delete them.
resource network 'Microsoft.Network/virtualNetworks@2026-03-01' = {
  name: names.network
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.20.0.0/22'
      ]
    }
    subnets: [
      {
        name: names.subnet
        properties: {
          addressPrefix: '10.20.0.0/23'
          delegations: [
            {
              name: 'environments'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: names.ledgerSubnet
        properties: {
          addressPrefix: '10.20.2.0/28'
          delegations: [
            {
              name: 'databases'
              properties: {
                serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers'
              }
            }
          ]
        }
      }
    ]
  }
}

output networkId string = network.id
output subnetId string = '${network.id}/subnets/${names.subnet}'
output ledgerSubnetId string = '${network.id}/subnets/${names.ledgerSubnet}'
