// the button stays for browsers without script
document.getElementById("delivery").submit();
