package PVE::AccessControl;

# Stand-in for the virtual rack: tickets and CSRF tokens in Proxmox's form, nothing else.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use IPC::Open2 qw(open2);
use MIME::Base64 qw(encode_base64);

my $authkey = '/etc/pve/priv/authkey.key';

sub _slurp {
    my ($path) = @_;
    open(my $handle, '<', $path) or die "unable to open file '$path' - $!\n";
    local $/;
    return scalar <$handle>;
}

sub _sign {
    my ($text) = @_;
    die "unable to open file '$authkey' - No such file or directory\n" if !-e $authkey;
    my $pid = open2(my $out, my $in, 'openssl', 'dgst', '-sha256', '-sign', $authkey);
    print $in $text;
    close($in);
    local $/;
    my $signature = <$out>;
    waitpid($pid, 0);
    die "unable to sign a ticket\n" if $? || !length($signature // '');
    return $signature;
}

sub assemble_ticket {
    my ($user) = @_;
    (my $escaped = $user) =~ s/([^A-Za-z0-9\@!._~+-])/sprintf('%%%02X', ord($1))/ge;
    my $plain = sprintf('PVE:%s:%08X', $escaped, time());
    return $plain . '::' . encode_base64(_sign($plain), '');
}

sub assemble_csrf_prevention_token {
    my ($user) = @_;
    my $secret = hmac_sha256_base64(_slurp('/etc/pve/pve-www.key'));
    my $stamp = sprintf('%08X', time());
    return "$stamp:" . hmac_sha256_base64("$stamp:$user", $secret);
}

1;
