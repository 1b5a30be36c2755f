#!/usr/bin/perl
# An SMSC made of Net::SMPP. Prints one JSON object a line; the first says which port it listens on.
# It serves one connection: answers every submit_sm with an id in decimal, sends a receipt with the id in
# hex where one was asked for, and a reply in two parts when the text is "GO long".
use strict;
use warnings;
use Net::SMPP;
use JSON::PP;

$| = 1;
sub say_json { print JSON::PP->new->canonical->encode({@_}), "\n"; }

my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, interface_version => 0x34,
    system_id => 'net-smpp') or die "cannot listen: $!";
say_json(event => 'listening', port => $listener->sockport + 0);
my $session = $listener->accept or die "cannot accept: $!";

my $next_id = 4096;

sub submit {
    my ($pdu) = @_;
    my $id = $next_id++;
    say_json(event => 'submit', hex => unpack('H*', $pdu->{short_message}), data_coding => $pdu->{data_coding} + 0,
        esm_class => $pdu->{esm_class} + 0, destination => $pdu->{destination_addr},
        payload => unpack('H*', $pdu->{message_payload} // ''));
    $session->submit_sm_resp(seq => $pdu->{seq}, message_id => "$id");
    my %back = (async => 1, source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
        destination_addr => $pdu->{source_addr});
    if ($pdu->{registered_delivery}) {
        my $hex = sprintf '%08X', $id;
        $session->deliver_sm(%back, esm_class => 4,
            short_message => "id:$hex sub:001 dlvrd:000 submit date:261123214400 done date:261123214501 stat:UNDELIV err:27 Text:x");
    }
    return if $pdu->{short_message} ne 'GO long';
    $session->deliver_sm(%back, esm_class => 0x40, short_message => "\x06\x08\x04\x01\x02\x02\x02 two");
    $session->deliver_sm(%back, esm_class => 0x40, short_message => "\x06\x08\x04\x01\x02\x02\x01one");
}

while (my $pdu = $session->read_pdu) {
    my $command = $pdu->{cmd};
    if ($command == 0x09) {
        say_json(event => 'bound', system_id => $pdu->{system_id}, version => $pdu->{interface_version} + 0);
        $session->bind_transceiver_resp(seq => $pdu->{seq}, system_id => 'net-smpp');
    }
    elsif ($command == 0x04) { submit($pdu); }
    elsif ($command == 0x15) { $session->enquire_link_resp(seq => $pdu->{seq}); }
    elsif ($command == 0x80000005) { say_json(event => 'delivery_answered', status => $pdu->{status} + 0); }
    elsif ($command == 0x06) {
        say_json(event => 'unbound');
        $session->unbind_resp(seq => $pdu->{seq});
        last;
    }
}
